/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this host does with agents, in the words that hosts use among themselves (peer.h): for the others,
 * who ask over the network (peer-calls.c), and for the fleet, to which this host is one of many
 * (host-fleet.c). Neither goes by the bus. */

#include "host.h"
#include "peer.h"

/* Of created and fault, one is NULL. What is told is the callback's for its time. */
typedef void (*LocalCreated)(const PeerCreated *created, const Fault *fault, void *userdata);

/* A creation whose end somebody waits for. */
typedef struct LocalCreate LocalCreate;

/* As CreateAgent; texts are taken out of create. ret: where the caller keeps it: NULL before, left alone by
 * what is answered before this returns, NULL again before done runs. On failure done does not run. */
int local_create(
        Host *host, PeerCreate *create, LocalCreated done, void *userdata, LocalCreate **ret, Fault *fault);

/* Nobody wants it any more: done does not run, and the agent, of which nobody will hear, is stopped; one
 * that was there before is left alone. */
LocalCreate *local_create_cancel(LocalCreate *create);

/* done does not run; the agent is left to become what it will. */
LocalCreate *local_create_leave(LocalCreate *create);

/* What GetAgentInfo and ListAgents tell; texts are borrowed from the agents. */
PeerAgent local_describe(const Agent *agent);
PeerAgent *local_list(Host *host, const char *guild_id, size_t *ret_n);

bool local_is_healthy(const Host *host);
