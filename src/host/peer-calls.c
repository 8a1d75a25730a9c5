/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer-calls.h"

#include "host-metrics.h"
#include "local-calls.h"
#include "log.h"

/* A call that waits for what it has begun here. */
typedef struct Operation {
        Host *host;
        PeerCall *call;
        LocalCreate *create; /* or */
        LocalStop *stop;
} Operation;

static void on_created(const PeerCreated *created, const Fault *fault, void *userdata)
{
        g_autofree Operation *op = userdata;

        if (fault)
                peer_call_failed(op->call, fault);
        else
                peer_call_created(op->call, created);
}

/* When it is we who close the connection, whoever asked comes again: what he has begun goes on until then.
 */
static void cancel_create(void *userdata)
{
        g_autofree Operation *op = userdata;

        if (op->host->peers_closing)
                (void)local_create_leave(op->create);
        else
                (void)local_create_cancel(op->create);
}

static uint64_t create_deadline(void *userdata)
{
        const Operation *op = userdata;

        return local_create_deadline(op->create);
}

static void handle_create(PeerCall *call, PeerCreate *create, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Operation *op = g_new0(Operation, 1);

        log_debug("Peer %s creates an agent", peer_call_client(call));
        *op = (Operation){ .host = userdata, .call = call };
        /* First: it may be answered at once, and both are gone then. */
        peer_call_set_operation(call, op, cancel_create);
        peer_call_set_deadline(call, create_deadline);
        if (local_create(op->host, create, on_created, op, &op->create, &fault) >= 0)
                return;
        peer_call_failed(call, &fault);
        g_free(op);
}

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        g_autofree Operation *op = userdata;

        if (fault)
                peer_call_failed(op->call, fault);
        else
                peer_call_stopped(op->call, stopped);
}

static void cancel_stop(void *userdata)
{
        g_autofree Operation *op = userdata;

        (void)local_stop_leave(op->stop);
}

static uint64_t stop_deadline(void *userdata)
{
        const Operation *op = userdata;

        return local_stop_deadline(op->stop);
}

static void handle_stop(PeerCall *call, const char *agent_id, uint64_t timeout_usec, void *userdata)
{
        Operation *op = g_new0(Operation, 1);

        log_debug("Peer %s stops an agent", peer_call_client(call));
        *op = (Operation){ .host = userdata, .call = call };
        peer_call_set_operation(call, op, cancel_stop);
        peer_call_set_deadline(call, stop_deadline);
        local_stop(op->host, agent_id, timeout_usec, on_stopped, op, &op->stop);
}

static void handle_list(PeerCall *call, const char *guild_id, void *userdata)
{
        size_t n;
        g_autofree PeerAgent *agents = local_list(userdata, guild_id, &n);

        peer_call_listed(call, agents, n);
}

static void handle_info(PeerCall *call, const char *agent_id, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        PeerAgent described;
        Agent *a;

        if (host_find_or_fault(userdata, agent_id, &a, &fault) < 0) {
                peer_call_failed(call, &fault);
                return;
        }
        described = local_describe(a);
        peer_call_found(call, &described);
}

static void handle_health(PeerCall *call, void *userdata)
{
        const Host *host = userdata;

        peer_call_healthy(call,
                &(PeerHealth){
                        .healthy = local_is_healthy(host),
                        .agent_count = host->n_active,
                        .hostname = host->config->hostname,
                });
}

static bool find_page(const char *path, PeerPage *ret, void *userdata)
{
        Page page;

        if (!host_metrics_find(path, &page, userdata))
                return false;
        *ret = (PeerPage){ page.status, page.content_type, page.body };
        return true;
}

static void on_observed(const PeerObservation *observation, void *userdata)
{
        host_metrics_peer_request(userdata, observation->operation, observation->status, observation->usec);
}

const PeerHandlers peer_calls_handlers = {
        .create = handle_create,
        .stop = handle_stop,
        .list = handle_list,
        .info = handle_info,
        .health = handle_health,
        .page = find_page,
        .observe = on_observed,
};
