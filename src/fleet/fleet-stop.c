/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-stop.h"

#include "fleet-private.h"
#include "log.h"

struct FleetStop {
        FleetOperation operation; /* first */
        FleetStop **holder;
        FleetStopDone done;
        void *userdata;
        char *agent_id;
        uint64_t timeout_usec;
        char *address; /* where the registry has it; NULL: not asked */
        FleetHost host; /* the same */

        /* One of these is there. */
        RegistryCall *question;
        LocalStop *local;
        PeerRequest *remote;

        Fault unreachable; /* while it is looked whether the host is there */
};

static void release(FleetStop *stop)
{
        fleet_operation_end(&stop->operation);
        if (stop->holder)
                *stop->holder = NULL;
        registry_call_free(stop->question);
        stop->operation.fleet->local->leave_stop(stop->local);
        peer_request_free(stop->remote);
        fleet_host_done(&stop->host);
        fault_done(&stop->unreachable);
        g_free(stop->address);
        g_free(stop->agent_id);
        g_free(stop);
}

FleetStop *fleet_stop_free(FleetStop *stop)
{
        if (stop)
                release(stop);
        return NULL;
}

/* fault: not the stop's. */
static void finish(FleetStop *stop, bool stopped, const Fault *fault)
{
        FleetStopDone done = stop->done;
        void *userdata = stop->userdata;

        release(stop);
        done(stopped, fault, userdata);
}

static void fail_operation(FleetOperation *operation, const Fault *fault)
{
        finish((FleetStop *)operation, false, fault);
}

static void on_local(bool stopped, const Fault *fault, void *userdata)
{
        finish(userdata, stopped, fault);
}

static void stop_here(FleetStop *stop)
{
        const Fleet *fleet = stop->operation.fleet;

        fleet->local->stop(stop->agent_id, stop->timeout_usec, on_local, stop, &stop->local, fleet->host);
}

/* -- A host that cannot be reached -- */

static void on_evicted(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        FleetStop *stop = userdata;
        Fault unreachable = fault_steal(&stop->unreachable);

        if (fault)
                log_debug(
                        "It is not known whether host %s is there: %s", stop->host.name, fault_text(fault));
        if (answer && answer->evicted) {
                log_warning("Agent %s was on host %s, which is gone; it is taken out of the registry",
                        stop->agent_id, stop->host.name);
                finish(stop, false, NULL);
        } else {
                finish(stop, false, &unreachable);
        }
        fault_done(&unreachable);
}

static void look_for_host(FleetStop *stop, const Fault *unreachable)
{
        fault_set(&stop->unreachable, unreachable->kind, "%s", fault_text(unreachable));
        registry_evict(fleet_look(stop->operation.fleet).registry, stop->agent_id, stop->address, on_evicted,
                stop, &stop->question);
}

/* -- The host that has it -- */

static void on_remote(PeerResult *result, void *userdata)
{
        FleetStop *stop = userdata;

        if (result->verdict != PEER_ANSWERED) {
                look_for_host(stop, &result->fault);
                return;
        }
        if (result->fault.kind == FAULT_NONE && !result->stopped)
                log_warning("Agent %s is in the registry as on host %s, which does not have it",
                        stop->agent_id, stop->host.name);
        finish(stop, result->stopped, result->fault.kind == FAULT_NONE ? NULL : &result->fault);
}

static void stop_there(FleetStop *stop)
{
        PeerAddress peer = fleet_host_peer(&stop->host);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (peer_client_stop(fleet_look(stop->operation.fleet).client, &peer, stop->agent_id,
                    stop->timeout_usec, on_remote, stop, &stop->remote, &fault) < 0)
                look_for_host(stop, &fault);
}

/* One of a lost host, which is to be placed again, does not exist just now. */
static void on_orphan_evicted(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault nowhere = FAULT_INIT;
        FleetStop *stop = userdata;

        if (answer && answer->evicted) {
                log_info("Agent %s has lost its host; it is not placed again", stop->agent_id);
                finish(stop, false, NULL);
                return;
        }
        fault_set(&nowhere, FAULT_NO_SUCH_AGENT, "Agent %s not found in location registry", stop->agent_id);
        finish(stop, false, fault ? fault : &nowhere);
}

static void on_found(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        FleetStop *stop = userdata;
        const Fleet *fleet = stop->operation.fleet;
        FleetView view = fleet_look(fleet);

        /* One that has ended here is nowhere else. */
        if (fault || !answer->address) {
                if (fleet->local->lists(stop->agent_id, fleet->host)) {
                        stop_here(stop);
                        return;
                }
                if (fault)
                        finish(stop, false, fault);
                else
                        registry_evict(view.registry, stop->agent_id, NULL, on_orphan_evicted, stop,
                                &stop->question);
                return;
        }

        stop->address = g_strdup(answer->address);
        stop->host = fleet_host_at(&view, answer->address);
        if (stop->host.is_self)
                stop_here(stop);
        else
                stop_there(stop);
}

void fleet_stop(Fleet *fleet,
        const char *agent_id,
        uint64_t timeout_usec,
        FleetStopDone done,
        void *userdata,
        FleetStop **ret)
{
        FleetStop *stop = g_new0(FleetStop, 1), *open = stop;

        *stop = (FleetStop){
                .holder = &open,
                .done = done,
                .userdata = userdata,
                .agent_id = g_strdup(agent_id),
                .timeout_usec = timeout_usec,
        };
        fleet_operation_begin(&stop->operation, fleet, fail_operation);
        if (fleet->local->has(agent_id, fleet->host))
                stop_here(stop);
        else
                registry_find(fleet_look(fleet).registry, agent_id, on_found, stop, &stop->question);

        /* What has been answered may have taken its caller with it. */
        if (!open)
                return;
        *ret = open;
        open->holder = ret;
}
