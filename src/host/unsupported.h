/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this host does not do of resource control, as the launcher has found it out: the Manager's property
 * UnsupportedProperties. */

#include "host.h"

/* Reads the "as" that the message is at. What is new is logged, and told on the bus. */
int unsupported_read(Host *host, sd_bus_message *m);
