/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of agenthostd when it is asked to stop. At the host's shutdown that is right behind the ends of
 * its last agents: processes are gone of which the launcher is just about to tell how they ended. That is
 * waited for, for a moment at most; and the registry learns that they are gone in any case. Used by main.c.
 */

#include "host.h"

/* host_end(), now or a little later. */
void host_leave(Host *host);
