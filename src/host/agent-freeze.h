/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Freezing an agent, i.e. all processes of its scope, and thawing it again. Systemd does it, asked by the
 * launcher. What is wanted stands in the state file first, so that a request which our death, or the
 * launcher's, has cut off is made again. */

#include "agent.h"
#include "fault.h"

/* fault: NULL when it is done. */
typedef void (*FreezeDone)(const Fault *fault, void *userdata);

/* What is so already is done at once. On failure the callback does not come. */
int agent_freeze(Agent *agent, bool freeze, FreezeDone done, void *userdata, Fault *fault);

/* The agent has ended: who waits is answered. */
void agent_freeze_end(Agent *agent);

/* The agent is freed: who waits is answered with the launcher's answer. */
void agent_freeze_let_go(Agent *agent);

/* After a time apart. */
void agent_freeze_resume(Agent *agent);
