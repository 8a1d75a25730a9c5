/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-run.h"

#include "fleet-hosts.h"
#include "fleet-private.h"
#include "log.h"

/* Of so many hosts it is told why they did not take an agent. */
#define REASONS_MAX 5u

struct FleetRun {
        FleetOperation operation; /* first */
        FleetRun **holder;
        FleetRunDone done;
        void *userdata;
        char *agent_id;
        PeerCreate create;
        bool may_be_repeat; /* the caller has given the request_id */

        GArray *hosts; /* of FleetHost: those to be asked, in this order */
        unsigned n_asked;
        bool found; /* they are one, and that has the agent */

        /* One of these is there. */
        HostSelection *selection;
        RegistryCall *location;
        LocalCreate *local;
        PeerRequest *remote;

        FaultKind refusal; /* of those that have been asked, the one that says most */
        GString *reasons;
        unsigned n_reasons;
        Fault exists; /* while it is looked for who has the agent */
};

static void release(FleetRun *run)
{
        fleet_operation_end(&run->operation);
        if (run->holder)
                *run->holder = NULL;
        host_selection_free(run->selection);
        registry_call_free(run->location);
        run->operation.fleet->local->cancel_create(run->local);
        peer_request_free(run->remote);
        peer_create_done(&run->create);
        g_array_unref(run->hosts);
        g_string_free(run->reasons, TRUE);
        fault_done(&run->exists);
        g_free(run->agent_id);
        g_free(run);
}

FleetRun *fleet_run_free(FleetRun *run)
{
        if (run)
                release(run);
        return NULL;
}

/* fault: not the run's. */
static void fail(FleetRun *run, const Fault *fault)
{
        FleetRunDone done = run->done;
        void *userdata = run->userdata;

        release(run);
        done(NULL, fault, userdata);
}

static void fail_operation(FleetOperation *operation, const Fault *fault)
{
        fail((FleetRun *)operation, fault);
}

static const FleetHost *asked(const FleetRun *run)
{
        return &g_array_index(run->hosts, FleetHost, run->n_asked - 1);
}

static void succeed(FleetRun *run)
{
        g_autofree char *address = g_strdup(asked(run)->address);
        FleetRunDone done = run->done;
        void *userdata = run->userdata;

        release(run);
        done(address, NULL, userdata);
}

/* -- Who did not take it, and why -- */

/* What would help: room, or an end of draining, or a network. */
static unsigned rank(FaultKind kind)
{
        switch (kind) {
        case FAULT_LIMIT_REACHED:
                return 3;
        case FAULT_DRAINING:
                return 2;
        case FAULT_PEER_UNREACHABLE:
                return 1;
        default:
                return 0;
        }
}

static void note_refusal(FleetRun *run, const Fault *fault)
{
        const FleetHost *host = asked(run);

        log_debug("Host %s does not take agent %s: %s", host->name, run->agent_id, fault_text(fault));
        host_selector_pass_over(fleet_look(run->operation.fleet).selector, host->name);
        if (rank(fault->kind) > rank(run->refusal))
                run->refusal = fault->kind;
        if (run->n_reasons++ < REASONS_MAX)
                g_string_append_printf(run->reasons, "%s%s: %s", run->reasons->len > 0 ? "; " : "",
                        host->name, fault_text(fault));
}

static void fail_refused(FleetRun *run)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (run->n_reasons > REASONS_MAX)
                g_string_append_printf(run->reasons, "; and %u more", run->n_reasons - REASONS_MAX);
        fault_set(&fault, run->refusal, "No host takes agent %s: %s", run->agent_id, run->reasons->str);
        fail(run, &fault);
}

/* -- Hosts, one after the other -- */

static void go_on(FleetRun *run);

static bool is_refusal(const Fault *fault)
{
        return fault->kind == FAULT_LIMIT_REACHED || fault->kind == FAULT_DRAINING;
}

static void look_for_it(FleetRun *run, const Fault *exists);

/* The host has said no. fault: not the run's. */
static void take_fault(FleetRun *run, const Fault *fault)
{
        if (is_refusal(fault) && !run->found) {
                note_refusal(run, fault);
                go_on(run);
        } else if (fault->kind == FAULT_AGENT_EXISTS && run->may_be_repeat && !run->found) {
                look_for_it(run, fault);
        } else {
                fail(run, fault);
        }
}

static void on_local(const PeerCreated *created, const Fault *fault, void *userdata)
{
        FleetRun *run = userdata;

        (void)created;

        if (fault)
                take_fault(run, fault);
        else
                succeed(run);
}

static void on_remote(PeerResult *result, void *userdata)
{
        FleetRun *run = userdata;

        if (result->verdict == PEER_NOT_CONNECTED && !run->found) {
                note_refusal(run, &result->fault);
                go_on(run);
        } else if (result->verdict != PEER_ANSWERED) {
                host_selector_pass_over(fleet_look(run->operation.fleet).selector, asked(run)->name);
                fail(run, &result->fault);
        } else if (result->fault.kind != FAULT_NONE) {
                take_fault(run, &result->fault);
        } else {
                succeed(run);
        }
}

/* Returns false if the host could not even be asked, and why. Else the run may be gone. */
static bool ask_host(FleetRun *run, const FleetHost *host, Fault *fault)
{
        const Fleet *fleet = run->operation.fleet;
        PeerAddress peer = fleet_host_peer(host);

        if (host->is_self)
                return fleet->local->create(&run->create, on_local, run, &run->local, fleet->host, fault) >=
                        0;
        return peer_client_create(fleet_look(fleet).client, &peer, &run->create, on_remote, run,
                       &run->remote, fault) >= 0;
}

static void go_on(FleetRun *run)
{
        while (run->n_asked < run->hosts->len) {
                const FleetHost *host = &g_array_index(run->hosts, FleetHost, run->n_asked++);
                _cleanup_fault_ Fault fault = FAULT_INIT;

                if (ask_host(run, host, &fault))
                        return;
                if (host->is_self || run->found) {
                        take_fault(run, &fault);
                        return;
                }
                note_refusal(run, &fault);
        }
        fail_refused(run);
}

/* -- A request that was made before: its agent is on a host whose turn it is not -- */

static void on_found(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        FleetRun *run = userdata;
        Fault exists = fault_steal(&run->exists);
        FleetHost host = { 0 };

        if (fault)
                log_debug("It is not known where agent %s is: %s", run->agent_id, fault_text(fault));
        if (answer && answer->address) {
                FleetView view = fleet_look(run->operation.fleet);

                host = fleet_host_at(&view, answer->address);
        }
        if (!host.name || g_strcmp0(host.name, asked(run)->name) == 0) {
                fleet_host_done(&host);
                fail(run, &exists);
        } else {
                g_array_set_size(run->hosts, 0);
                g_array_append_val(run->hosts, host);
                run->n_asked = 0;
                run->found = true;
                go_on(run);
        }
        fault_done(&exists);
}

static void look_for_it(FleetRun *run, const Fault *exists)
{
        fault_set(&run->exists, exists->kind, "%s", fault_text(exists));
        registry_find(
                fleet_look(run->operation.fleet).registry, run->agent_id, on_found, run, &run->location);
}

/* -- The beginning -- */

static void on_selected(const HostOrder *order, const Fault *fault, void *userdata)
{
        FleetRun *run = userdata;
        FleetView view = fleet_look(run->operation.fleet);

        if (fault) {
                fail(run, fault);
                return;
        }
        for (size_t i = 0; i < order->n; i++) {
                FleetHost host = fleet_host_of(&view, order->hosts[i]);

                g_array_append_val(run->hosts, host);
        }
        go_on(run);
}

/* NULL: there is none. */
static const DiscoveryHost *find_named(const DiscoveryHost *hosts, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (g_str_equal(hosts[i].hostname, name) || g_str_equal(hosts[i].address, name))
                        return &hosts[i];
        return NULL;
}

/* The caller has chosen; no turn is used. */
static void ask_named(FleetRun *run, const char *name)
{
        FleetView view = fleet_look(run->operation.fleet);
        const DiscoveryHost *hosts, *found = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        FleetHost host;
        size_t n;

        if (g_str_equal(name, view.hostname) || g_str_equal(name, view.address)) {
                host = fleet_host_at(&view, view.address);
        } else {
                if (fleet_hosts(view.discovery, &hosts, &n, &fault) >= 0) {
                        found = find_named(hosts, n, name);
                        if (!found)
                                fault_set(&fault, FAULT_INVALID_ARGS,
                                        "There is no host '%s'; ListHosts ('agentctl hosts') tells those that there are",
                                        name);
                }
                if (!found) {
                        fail(run, &fault);
                        return;
                }
                host = fleet_host_of(&view, found);
        }
        g_array_append_val(run->hosts, host);
        go_on(run);
}

/* What runs here is here, whatever the registry knows. */
static void ask_here(FleetRun *run)
{
        FleetView view = fleet_look(run->operation.fleet);
        FleetHost host = fleet_host_at(&view, view.address);

        g_array_append_val(run->hosts, host);
        run->found = true;
        go_on(run);
}

static FleetRun *run_new(Fleet *fleet, const FleetRunRequest *request, FleetRunDone done, void *userdata)
{
        FleetRun *run = g_new0(FleetRun, 1);

        *run = (FleetRun){
                .done = done,
                .userdata = userdata,
                .agent_id = g_strdup(request->agent_id),
                .create = *request->create,
                .may_be_repeat = request->create->request_id,
                .hosts = g_array_new(FALSE, FALSE, sizeof(FleetHost)),
                .reasons = g_string_new(NULL),
        };
        *request->create = (PeerCreate){ 0 };
        g_array_set_clear_func(run->hosts, (GDestroyNotify)fleet_host_done);
        /* A host that is restarted while it is asked knows by it that it is asked again. */
        if (!run->create.request_id)
                run->create.request_id = g_uuid_string_random();
        fleet_operation_begin(&run->operation, fleet, fail_operation);
        return run;
}

void fleet_run(
        Fleet *fleet, const FleetRunRequest *request, FleetRunDone done, void *userdata, FleetRun **ret)
{
        FleetRun *run = run_new(fleet, request, done, userdata), *open = run;

        run->holder = &open;
        if (!run->create.takeover && fleet->local->has(run->agent_id, fleet->host))
                ask_here(run);
        else if (request->host)
                ask_named(run, request->host);
        else
                host_select(
                        fleet_look(fleet).selector, request->strategy, on_selected, run, &run->selection);

        /* What has been answered may have taken its caller with it. */
        if (!open)
                return;
        *ret = open;
        open->holder = ret;
}
