/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Standard output and error. */

#include "plan.h"

/* A stream of the journal that carries the unit's name, which journald believes of root only. Connected
 * before the gate, while systemd is busy with the scope; what is written first, the header, comes from
 * inside the scope: journald looks then where we are. A journal that cannot be reached must not stop agents:
 * standard output and error stay /dev/null then, and where the plan does not ask for a stream. */

/* Before the gate. A descriptor, or -errno. */
int output_open(const Plan *plan);

/* Inside the scope, before the user changes. Takes over what output_open() returned. */
void output_use(Plan *plan, int stream);
