/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's part in the fleet: what operations over several hosts (fleet.h) need to know of it, and do on
 * it. Discovery, registry and peers are open before it, and closed behind it. */

#include "host.h"

void host_fleet_open(Host *host);

/* Who waits is answered. */
void host_fleet_close(Host *host);
