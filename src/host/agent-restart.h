/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starting an agent again: after an end as Restart= and the option "restart" say, and by its method
 * Restart(). The agent stays the same object with the same texts; between two lives it is "restarting",
 * which counts for MaxAgents=, can be stopped, and blocks its id. All of it stands in the state file, so
 * that it goes on after our own death. What restart.h computes is carried out here.
 *
 * A start belongs to the launcher from agent_spawn() until its answer. If that does not come because the
 * connection broke, or we died, launcher-sync.c asks here for each "restarting" agent what to do about it.
 */

#include "agent-wait.h"
#include "fault.h"
#include "host.h"
#include "proto/launcher.h"

/* Takes over what the runtime says now, and the options that win over it. */
void agent_use_runtime(Agent *agent, const RuntimeInfo *runtime);

/* An agent has ended (agent_enter_ended()): if it is to be started again, it becomes so, and everybody is
 * told. False: that was the last end. */
bool agent_restart_after_end(Agent *agent, bool requested, const Fault *fault);

/* A start has failed. False: it was none of a restart, or one that has been stopped. */
bool agent_restart_failed(Agent *agent, const Fault *fault);

/* The launcher tells of an end while it is restarting. */
void agent_restart_told_end(Agent *agent, const AgentEnd *end);

/* For launcher-sync.c, of agents that are restarting: the launcher has it (false: as any other that is to be
 * merged); it has not; both sides are together again. The agent may be gone after the second. */
bool agent_restart_listed(Agent *agent, LauncherPhase phase, const AgentEnd *end);
void agent_restart_missing(Agent *agent);
void agent_restart_resume(Agent *agent);

/* A stop of one that is restarting: true when that was all and the agent is gone, false when a start is
 * under way, which is to be stopped like any other. */
bool agent_restart_stop(Agent *agent);

/* Someone stops an agent that was to be restarted on request. */
void agent_restart_withdraw(Agent *agent);

/* Stops the agent as StopAgent does, if it is alive, and starts it again at once. done comes when it has
 * been executed again, or with a fault. */
int host_restart_agent(Host *host, const char *id, AgentWaitDone done, void *userdata, Fault *fault);
