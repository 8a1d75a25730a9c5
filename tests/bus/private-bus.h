/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A message bus of a test's own: a real dbus-daemon that lets every user in. */

#include <systemd/sd-bus.h>

#include <glib.h>

typedef struct PrivateBus PrivateBus;

/* Returns when it listens. */
PrivateBus *private_bus_new(void);
void private_bus_free(PrivateBus *bus);

/* A connection, from whoever the process is now. Negative errno of connecting. */
int private_bus_connect(const PrivateBus *bus, sd_bus **ret);
