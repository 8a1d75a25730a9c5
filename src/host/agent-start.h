/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a CreateAgent to a running agent: checks and admission, the launch, readiness and its time limit.
 * Knows no D-Bus caller: another front end enters at host_create_agent(). */

#include "fault.h"
#include "host.h"
#include "options.h"

typedef struct CreateRequest {
        const char *agent_spec; /* borrowed, all */
        const char *guild_spec;
        const char *messaging_config;
        const CreateOptions *options;
        bool needs_claim; /* it comes to nothing while the registry is away: others may have the id */

        /* NULL, or where the agent is told, and whether it was made for this: not for a repeat. It exists
         * for as long as the callback has not come. */
        Agent **ret_agent;
        bool *ret_is_new;
} CreateRequest;

/* Called once, with the agent (borrowed), or with a fault. */
typedef void (*CreateDone)(Agent *agent, const Fault *fault, void *userdata);

/* On failure the callback does not come. */
int host_create_agent(
        Host *host, const CreateRequest *request, CreateDone done, void *userdata, Fault *fault);

/* Asks the launcher for a start; the answer leads to agent_launched() or agent_launch_failed(). */
int agent_spawn(Agent *agent, Fault *fault);

/* The launcher says that it has been executed; takes over pidfd. Also for a launch that an earlier life of
 * ours asked for. */
void agent_launched(Agent *agent, pid_t pid, int pidfd);

/* A launch came to nothing: everybody is told why, and nothing stays behind; the agent is freed, unless it
 * is one that is started again (agent-restart.h). */
void agent_launch_failed(Agent *agent, const Fault *fault);

/* The launcher has it, after a time apart; takes over pidfd. */
void agent_found(Agent *agent, pid_t pid, int pidfd);

/* READY=1 */
void agent_ready(Agent *agent);

/* Arms the start limit of an agent that is not ready; for a start after our own death too. */
void agent_arm_start_timer(Agent *agent);
