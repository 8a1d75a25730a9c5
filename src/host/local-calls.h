/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this host does with agents, in the words that hosts use among themselves (peer.h): for the others,
 * who ask over the network (peer-calls.c), and for the fleet, to which this host is one of many
 * (host-fleet.c). Neither goes by the bus. */

#include "fleet.h"
#include "host.h"

/* As CreateAgent. ret: where the caller keeps it: NULL before, left alone by what is answered before this
 * returns, NULL again before done runs. On failure done does not run. */
int local_create(Host *host,
        const PeerCreate *create,
        LocalCreated done,
        void *userdata,
        LocalCreate **ret,
        Fault *fault);

/* Nobody wants it any more: done does not run, and the agent, of which nobody will hear, is stopped; but
 * one that was there before is left alone, and so are all while agenthostd ends. */
LocalCreate *local_create_cancel(LocalCreate *create);

/* done does not run; the agent is left to become what it will. */
LocalCreate *local_create_leave(LocalCreate *create);

/* Until when (CLOCK_MONOTONIC) an agent that is waited for may take to be ready, as it stands now; 0: it is
 * not waited for. */
uint64_t local_create_deadline(const LocalCreate *create);

/* As StopAgent. ret: as above. */
void local_stop(Host *host,
        const char *agent_id,
        uint64_t timeout_usec,
        LocalStopped done,
        void *userdata,
        LocalStop **ret);

/* done does not run; what is being stopped stops. */
LocalStop *local_stop_leave(LocalStop *stop);

/* Until when (CLOCK_MONOTONIC) the agent may take to stop, as it stands now; 0: it has. */
uint64_t local_stop_deadline(const LocalStop *stop);

/* What GetAgentInfo and ListAgents tell; texts are borrowed from the agents. */
PeerAgent local_describe(const Agent *agent);
PeerAgent *local_list(Host *host, const char *guild_id, size_t *ret_n);

bool local_is_healthy(const Host *host);
