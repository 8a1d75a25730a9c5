/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Launching an agent: executor spawned at its gate, scope asked for, its job done, gate opened, executed.
 * Any number of launches is under way at the same time. One that fails is answered when nothing of it is
 * left. */

#include "child.h"

typedef struct SpawnRequest {
        const char *agent_id;
        const char *guild_id;
        const char *runtime;
        int32_t machine_id;
        const char *client_type;
        char **environment;
        int texts[AGENT_TEXT_COUNT]; /* borrowed */
} SpawnRequest;

/* The longest that a launch may take: then it has failed. */
#define LAUNCH_LIMIT_USEC (30 * USEC_PER_SEC)

/* On success the call is answered later. */
int launch_begin(Launcher *launcher, const SpawnRequest *request, sd_bus_message *call, Fault *fault);

/* The process has ended. Returns whether it had become the agent; if not, the child may be gone, or that is
 * not known yet: end_on_exited() is called then when it is. */
bool launch_on_exit(Child *child);
