/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host knows of the others: discovery, made by the settings and made anew when these change, and
 * the selector, which makes orders of hosts of it. Whatever is wrong with the source of it, the agents here
 * do not notice. */

#include "host.h"

/* The registry has been opened. */
void host_discovery_open(Host *host);

/* The configuration has been read again. */
void host_discovery_reload(Host *host);

/* Who waits for an order of hosts is answered. The registry is still there. */
void host_discovery_close(Host *host);

/* The registry has had its heartbeat: asks what the other hosts say of themselves. */
void host_discovery_beat(Host *host);

/* How many there are; 0 while that is not known. */
unsigned host_discovery_count(const Host *host);
