/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taking agents back that a launcher which died has started: they have become PID 1's children and run on,
 * unless it has executed itself after a crash: then they are ours, and dead ones are still there as zombies.
 * Each is believed to be what it is said to be only if systemd finds the process behind the pidfd in the
 * scope. Those that are not end here. */

#include "child.h"

/* Reads LAUNCHER_ADOPT_IN. On success the call is answered later. */
int adopt_begin(Launcher *launcher, sd_bus_message *call, Fault *fault);

/* The child has been taken back, or has ended. */
void adopt_settle(Child *child, bool taken_back);

void adopt_on_listed(Launcher *launcher);
void adopt_on_disconnected(Launcher *launcher);

/* The connection of a caller closes: there is nobody to answer any more. */
void adopt_forget_caller(Launcher *launcher, const sd_bus *bus);

/* Those under way are to be asked for again. */
void adopt_cancel_all(Launcher *launcher);

void adopt_drop_all(Launcher *launcher);
