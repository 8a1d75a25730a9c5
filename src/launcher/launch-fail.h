/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of launches that fail. The caller is told when nothing is left, so that he may try again at once;
 * the child is forgotten then. */

#include "child.h"

/* The launch is not to go on. The child may be gone afterwards. */
void launch_fail(Child *child, FaultKind kind, const char *format, ...) _printf_(3, 4);

/* The launch is not to go on now, and may be asked for again. One that has opened its gate comes to its end
 * by itself. The child may be gone afterwards. */
void launch_cancel(Child *child);

/* Of a failed launch: something of it has ended. The child is gone if that was the last. */
void launch_settle(Child *child);

/* Ends the scope of a failed launch. It goes by itself when the executor in it ends, unless that was dead
 * before it was put there: then it would stay, empty. */
void launch_remove_scope(const Child *child);
