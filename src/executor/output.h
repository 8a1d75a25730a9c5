/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Standard output and error. */

#include "plan.h"

/* Connects both to a stream of the journal that carries the unit's name, which journald believes of root only:
 * to be called inside the scope and before the user changes. A journal that cannot be reached must not stop
 * agents: then, and where the plan says so, both go to null_fd. */
void output_connect(Plan *plan, int null_fd);
