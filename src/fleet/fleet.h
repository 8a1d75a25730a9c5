/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What needs several hosts: an agent is started on the one whose turn it is (fleet-run.h), stopped wherever
 * it is (fleet-stop.h), and all of all hosts are listed (fleet-list.h). A Fleet owns what of that is under
 * way; each is an operation that lives until it is answered, and whose callback never comes once it is
 * freed. This host is one of the fleet: what is to be done on it is done by whoever has created the Fleet,
 * without a detour over the network (FleetLocal). Used by agenthostd, for one host. */

#include <glib.h>

#include "client.h"
#include "discovery.h"
#include "registry.h"
#include "select.h"

typedef struct Fleet Fleet;

/* What there is at that moment: reloads replace all of it. Borrowed. */
typedef struct FleetView {
        Registry *registry;
        const Discovery *discovery;
        HostSelector *selector;
        PeerClient *client;
        const char *hostname, *address; /* of this host */
} FleetView;

/* Of created and fault, one is NULL. What is told is the callback's for its time. */
typedef void (*LocalCreated)(const PeerCreated *created, const Fault *fault, void *userdata);

/* stopped is false for an id that is not known. */
typedef void (*LocalStopped)(bool stopped, const Fault *fault, void *userdata);

/* What is under way on this host; the implementation's. */
typedef struct LocalCreate LocalCreate;
typedef struct LocalStop LocalStop;

/* This host. ret: where the caller keeps what is under way: NULL before, left alone by what is answered
 * before the call returns, NULL again before done runs. host: the userdata of fleet_new(). */
typedef struct FleetLocal {
        void (*look)(FleetView *ret, void *host);

        /* On failure done does not run. cancel_create: done does not run, and the agent is not to stay. */
        int (*create)(const PeerCreate *create,
                LocalCreated done,
                void *userdata,
                LocalCreate **ret,
                void *host,
                Fault *fault);
        LocalCreate *(*cancel_create)(LocalCreate *create);

        /* leave_stop: done does not run; what is being stopped stops. */
        void (*stop)(const char *agent_id,
                uint64_t timeout_usec,
                LocalStopped done,
                void *userdata,
                LocalStop **ret,
                void *host);
        LocalStop *(*leave_stop)(LocalStop *stop);

        /* Whether it has this agent, and the agent has not ended; and whether it has at least that of it. */
        bool (*has)(const char *agent_id, void *host);
        bool (*lists)(const char *agent_id, void *host);

        /* The caller's; its texts are the agents'. guild_id "": all. */
        PeerAgent *(*list)(const char *guild_id, size_t *ret_n, void *host);
} FleetLocal;

Fleet *fleet_new(const FleetLocal *local, void *host);

/* Who waits is answered (with a fault). What was asked for may be done all the same. */
Fleet *fleet_free(Fleet *fleet);
