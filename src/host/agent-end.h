/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of an agent: written down, acknowledged to the launcher, told to everybody, kept for a while. */

#include "host.h"

/* The launcher has told how a unit ended; an end that is known already is acknowledged again. */
void host_agent_ended(Host *host, const char *unit, const AgentEnd *end);

/* Forgets all ended agents; their ids (NULL-terminated, the caller's). */
char **host_cleanup_dead(Host *host);

/* Arms the timer for the next retained agent to forget. */
void host_arm_forget_timer(Host *host);
