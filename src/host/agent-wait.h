/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting for something of an agent. A wait is owned by its agent and ends exactly once: by the event, by
 * the end of the agent (a fault, unless the end is what was waited for), by its time limit, or when the
 * daemon goes down. The callback is given the fault or NULL; it must not free the agent. */

#include "agent.h"
#include "fault.h"

/* What the kernel and systemd may take to end a scope after SIGKILL. */
#define KILL_GRACE_USEC (15 * USEC_PER_SEC)

typedef enum AgentEvent {
        AGENT_EVENT_LAUNCHED,
        AGENT_EVENT_READY,
        AGENT_EVENT_ENDED,
} AgentEvent;

typedef void (*AgentWaitDone)(Agent *agent, const Fault *fault, void *userdata);

/* limit_usec bounds the wait (a StopTimeout fault then); USEC_INFINITY only where another timer of the agent
 * ends it (launch and start limits). */
void agent_wait_add(Agent *agent, AgentEvent event, uint64_t limit_usec, AgentWaitDone done, void *userdata);

/* Those who wait for the end wait at least so long from now, and what systemd then may take. */
void agent_wait_extend(Agent *agent, uint64_t usec);

/* Ends every wait for this event, with a fault or (NULL) well. */
void agent_wake(Agent *agent, AgentEvent event, const Fault *fault);

/* Ends all waits because the agent is freed. */
void agent_wait_drop_all(Agent *agent);
