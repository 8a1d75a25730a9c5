/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The watchdog of an agent whose runtime sets WatchdogSec=, or that asks for one itself (WATCHDOG_USEC=). It
 * begins when the agent is ready, and anew after a freeze or our own death. One that misses it gets SIGABRT;
 * what is left of it after its time to stop is killed. Used by notify.c and by who changes an agent's state.
 *
 * Each agent with a watchdog has one timer. WATCHDOG=1 only notes the new deadline: the timer looks at it
 * when it fires, so that an agent wakes us once per period, however often it speaks. */

#include "agent.h"

/* To be called when an agent has become ready, also again after a time in which it could not speak. */
void agent_watchdog_begin(Agent *agent);

/* Nothing is expected of it any more, or not for now. */
void agent_watchdog_end(Agent *agent);

/* After a time apart: begins anew, or goes on with killing one that has missed it. */
void agent_watchdog_resume(Agent *agent);

/* WATCHDOG=1, WATCHDOG=trigger, WATCHDOG_USEC= (0 and USEC_INFINITY: off). */
void agent_watchdog_alive(Agent *agent);
void agent_watchdog_trigger(Agent *agent);
void agent_watchdog_set(Agent *agent, uint64_t usec);

/* EXTEND_TIMEOUT_USEC=: whatever the agent is to have done by a certain time, it has at least so long from
 * now: to become ready, to say WATCHDOG=1, to stop (but not if who stopped it gave the time). */
void agent_extend_timeout(Agent *agent, uint64_t usec);
