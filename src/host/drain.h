/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Draining: the host takes no new agents, says so to those who place them (host_status), and stops those
 * that it has if it was told to. Agents that it keeps are restarted as ever. It is so until Resume(), or
 * until the host is booted again: it stands in a file of the state directory, which outlives us but not the
 * boot. The order to stop stands there too: what is not stopped yet when we or the launcher die is stopped
 * when both are back. */

#include "agent-stop.h"

/* Reads the file. One that cannot be understood is an order to drain all the same. 0, or -errno: it cannot
 * be read now. */
int host_drain_load(Host *host);

/* 0, or the fault Draining. */
int host_check_draining(const Host *host, Fault *fault);

/* Writes it down, then tells everybody; repeats are fine, the last one counts. done comes when the agents
 * have ended (at once without stop_agents), perhaps before this returns, and tells how many were stopped. A
 * fault: of a stop, which may still come (the host is draining), or that it cannot be written down (then it
 * is not). timeout_usec: as for host_stop_agent(). */
void host_drain(Host *host, bool stop_agents, uint64_t timeout_usec, ShutdownDone done, void *userdata);

/* Ends it; nothing if there is none. What is being stopped is not called back. */
void host_resume(Host *host);

/* We and the launcher are together (again): the order to stop is given to what is there. */
void host_drain_go_on(Host *host);
