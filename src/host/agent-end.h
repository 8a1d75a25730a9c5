/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of an agent: written down, acknowledged to the launcher, told to everybody, kept for a while. */

#include "host.h"

/* The launcher has told how a unit ended; an end that is known already is acknowledged again. */
void host_agent_ended(Host *host, const char *unit, const AgentEnd *end);

/* Writes an agent's state down and only then lets the launcher forget its end. 0 or -errno of the first. */
int agent_save_and_acknowledge(Agent *agent);

/* An agent that has ended for good is listed for a while; everybody is told. fault: for those who waited for
 * its start. */
void agent_retain(Agent *agent, const Fault *fault);

/* Forgets all ended agents; their ids (NULL-terminated, the caller's). */
char **host_cleanup_dead(Host *host);

/* Arms the timer for the next retained agent to forget. */
void host_arm_forget_timer(Host *host);
