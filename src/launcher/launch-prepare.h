/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What comes before a launch waits for anything: the request is checked, the executor stands at its gate. */

#include "launch.h"

/* A child with pid, pidfd and gate, of which nobody knows yet. Fault: InvalidArgs, NoSuchRuntime, AgentExists,
 * AccessDenied, StartFailed. */
int launch_prepare(Launcher *launcher, const SpawnRequest *request, Child **ret, Fault *fault);

/* Kills and reaps the executor of such a child, for which nothing else exists yet. */
void launch_discard(Child *child);
