/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Launching an agent: executor spawned at its gate, scope asked for, its job done, gate opened, executed. Any
 * number of launches is under way at the same time. One that fails is answered when nothing of it is left. */

#include "child.h"
#include "scope-list.h"

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

/* The launch is not to go on. The child may be gone afterwards. */
void launch_fail(Child *child, FaultKind kind, const char *format, ...) _printf_(3, 4);

/* The process has ended. Returns whether it had become the agent; if not, the child may be gone. */
bool launch_on_exit(Child *child);

/* The scope has gone. The child may be gone afterwards. */
void launch_on_scope_gone(Child *child);

void launch_on_job_removed(Child *child, uint32_t job, const char *result);
void launch_on_disconnected(Child *child);

/* Systemd's list, with our entry in it or NULL. The child may be gone afterwards. */
void launch_on_listed(Child *child, const ScopeEntry *entry);
