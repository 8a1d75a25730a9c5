/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry that all hosts share, in Redis, in the original's shape: agent_location:{id} is a string
 * "host:port" that expires, host_agents:{hostname} a set of ids, placement:counter a number. Ours besides:
 * host_status:{hostname}, a hash that expires, and agenthost:lease:cleanup.
 *
 * What the table says is written when it is said, if the server is there. A round (the heartbeat) then goes
 * over all of it every HeartbeatSec=: locations are renewed, what has gone is written again, what another
 * host has is left to it and told. After each connect, and every five minutes, the round also puts our set
 * right. All of it is pipelined in pieces that hold the loop up for no more than moments.
 *
 *     redis.c            life, state, time, and who does what when
 *     redis-agent.c      one id: ours, lost, erased
 *     redis-claim.c      an id is made ours
 *     redis-round.c      the heartbeat, and what is compared after a connect
 *     redis-flush.c      that all which was said has arrived
 *     redis-query.c      questions about all hosts
 *     redis-cleanup.c    what has no location any more, also of hosts that have vanished
 *     redis-scripts.c    what has to be done at once in the server
 *     redis-client.c     the connection
 */

#include "registry.h"

/* As registry_new() for settings with a url. */
int registry_redis_new(sd_event *event,
        const RegistrySettings *settings,
        const char *address,
        const char *former_address,
        const RegistryHandlers *handlers,
        void *userdata,
        Registry **ret,
        Fault *fault);

/* Begins a round now, if none goes on and the server is there. registry_flush() waits for its end. */
void registry_redis_beat(Registry *registry);
