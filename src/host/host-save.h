/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes agents down, and does what the state directory would not let us do as soon as it can be done: a
 * file that could not be written for want of space is written, one that could not be removed is removed. */

#include "host.h"

/* Writes the agent's state file. A failure is logged, and tried again every second. Returns 0 or -errno. */
int host_save(Host *host, Agent *agent);

/* After files have been removed: those that could not be are tried again. */
void host_remove_later(Host *host);
