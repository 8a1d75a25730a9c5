/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-fleet.h"

#include "local-calls.h"

static void look(FleetView *ret, void *userdata)
{
        const Host *host = userdata;

        *ret = (FleetView){
                .registry = host->registry,
                .discovery = host->discovery,
                .selector = host->selector,
                .client = host->peer_client,
                .hostname = host->config->hostname,
                .address = host->config->address,
        };
}

static int create(const PeerCreate *create,
        LocalCreated done,
        void *userdata,
        LocalCreate **ret,
        void *host,
        Fault *fault)
{
        return local_create(host, create, done, userdata, ret, fault);
}

static void stop(const char *agent_id,
        uint64_t timeout_usec,
        LocalStopped done,
        void *userdata,
        LocalStop **ret,
        void *host)
{
        local_stop(host, agent_id, timeout_usec, done, userdata, ret);
}

static bool has(const char *agent_id, void *host)
{
        const Agent *a = host_find(host, agent_id);

        return a && !agent_has_ended(a);
}

static bool lists(const char *agent_id, void *host)
{
        return host_find(host, agent_id);
}

static PeerAgent *list(const char *guild_id, size_t *ret_n, void *host)
{
        return local_list(host, guild_id, ret_n);
}

void host_fleet_open(Host *host)
{
        static const FleetLocal local = {
                .look = look,
                .create = create,
                .cancel_create = local_create_cancel,
                .stop = stop,
                .leave_stop = local_stop_leave,
                .has = has,
                .lists = lists,
                .list = list,
        };

        host->fleet = fleet_new(&local, host);
}

void host_fleet_close(Host *host)
{
        host->fleet = fleet_free(host->fleet);
}
