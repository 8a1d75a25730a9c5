/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Agents as they are in memory, and as a launcher that executes itself hands them over. */

#include "handover.h"
#include "launcher.h"

/* All agents that have been launched, but for those that are being adopted: these are offered again. The
 * texts are theirs. */
int takeover_collect(const Launcher *launcher, Handover *ret);

/* Puts them into the table. A descriptor that does not belong to an agent is closed. */
void takeover_restore(Launcher *launcher, const Handover *handover);
