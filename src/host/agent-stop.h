/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stopping agents on request. The launcher signals and keeps the time; here it is decided who is answered
 * what. */

#include "fault.h"
#include "host.h"

/* stopped is false for an id that is not known. */
typedef void (*StopDone)(bool stopped, const Fault *fault, void *userdata);

/* timeout_usec 0: the runtime's own. The callback comes once, perhaps before this returns: when the agent has
 * ended and the registry does not have it any more, for which it waits as host_registry_flush() does. */
void host_stop_agent(Host *host, const char *id, uint64_t timeout_usec, StopDone done, void *userdata);

/* Asks the launcher for the stop and writes that down; the end is told later. */
int agent_begin_stop(Agent *agent, uint64_t timeout_usec, Fault *fault);

/* Stops all that has not ended, at the same time; tells how many were stopped, and the first fault. */
typedef void (*ShutdownDone)(unsigned n_stopped, const Fault *fault, void *userdata);
void host_stop_active(Host *host, uint64_t timeout_usec, ShutdownDone done, void *userdata);

/* The same, and forgets what has ended. */
void host_shutdown_agents(Host *host, uint64_t timeout_usec, ShutdownDone done, void *userdata);

/* Sends a signal to the main process ("main") or to all ("all"). */
int agent_kill(
        Agent *agent, const char *who, int signal_number, LauncherDone done, void *userdata, Fault *fault);

/* STOPPING=1 */
void agent_says_stopping(Agent *agent);
