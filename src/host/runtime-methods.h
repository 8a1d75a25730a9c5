/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The method of org.agenthost.Host1.Manager about runtimes, for the table in manager-bus.c. userdata is the
 * Host. */

#include <systemd/sd-bus.h>

int host_method_list_runtimes(sd_bus_message *m, void *userdata, sd_bus_error *error);
