/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stopping: the runtime's stop signal to the whole scope, and SIGKILL when the time is up. The time is ours
 * to measure, as systemd takes none for a single stop. */

#include "child.h"

/* timeout_usec: USEC_INFINITY for the runtime's own. The child may be gone afterwards, if it was being
 * launched. */
int stop_begin(Child *child, uint64_t timeout_usec);

/* A stop that is under way has at least so long from now. */
int stop_extend(Child *child, uint64_t timeout_usec);

/* A stop that was begun before we executed ourselves goes on. */
int stop_resume(Child *child);
