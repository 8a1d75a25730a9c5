/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-list.h"

#include "fleet-hosts.h"
#include "fleet-private.h"

/* How many hosts are asked at once. */
#define AT_ONCE 64u

/* A host, and what it has said. */
typedef struct Asked {
        FleetList *list;
        FleetHost host;
        PeerRequest *request;
        GArray *agents; /* of PeerAgent; NULL: it has not said */
        char *failure;
} Asked;

struct FleetList {
        FleetOperation operation; /* first */
        FleetList **holder;
        FleetListDone done;
        void *userdata;
        char *guild_id;
        Asked *asked; /* all of them */
        size_t n, n_begun, n_over;
};

static void asked_done(Asked *a)
{
        peer_request_free(a->request);
        fleet_host_done(&a->host);
        g_clear_pointer(&a->agents, g_array_unref);
        g_free(a->failure);
}

static void release(FleetList *list)
{
        fleet_operation_end(&list->operation);
        if (list->holder)
                *list->holder = NULL;
        for (size_t i = 0; i < list->n; i++)
                asked_done(&list->asked[i]);
        g_free(list->asked);
        g_free(list->guild_id);
        g_free(list);
}

FleetList *fleet_list_free(FleetList *list)
{
        if (list)
                release(list);
        return NULL;
}

/* The agents here are told as they are at the end: they need no copy. */
static void tell(FleetList *list)
{
        const Fleet *fleet = list->operation.fleet;
        g_autofree FleetListed *listed = g_new0(FleetListed, list->n);
        g_autofree PeerAgent *local = NULL;

        for (size_t i = 0; i < list->n; i++) {
                const Asked *a = &list->asked[i];

                listed[i] = (FleetListed){ .host_address = a->host.address, .failure = a->failure };
                if (a->host.is_self && !local) {
                        local = fleet->local->list(list->guild_id, &listed[i].n_agents, fleet->host);
                        listed[i].agents = local;
                } else if (a->agents) {
                        listed[i].agents = (const PeerAgent *)(const void *)a->agents->data;
                        listed[i].n_agents = a->agents->len;
                }
        }
        /* Nothing of it must go before it has been told. */
        if (list->holder)
                *list->holder = NULL;
        list->holder = NULL;
        list->done(listed, list->n, NULL, list->userdata);
        release(list);
}

static void fail_operation(FleetOperation *operation, const Fault *fault)
{
        FleetList *list = (FleetList *)operation;
        FleetListDone done = list->done;
        void *userdata = list->userdata;

        release(list);
        done(NULL, 0, fault, userdata);
}

static void go_on(FleetList *list);

static void on_remote(PeerResult *result, void *userdata)
{
        Asked *a = userdata;

        if (result->verdict == PEER_ANSWERED && result->fault.kind == FAULT_NONE)
                a->agents = g_steal_pointer(&result->agents);
        else
                a->failure = g_strdup(fault_text(&result->fault));
        a->list->n_over++;
        go_on(a->list);
}

static void ask_host(Asked *a)
{
        FleetList *list = a->list;
        PeerAddress peer = fleet_host_peer(&a->host);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!a->host.is_self) {
                if (peer_client_list(fleet_look(list->operation.fleet).client, &peer, list->guild_id,
                            on_remote, a, &a->request, &fault) >= 0)
                        return;
                a->failure = g_strdup(fault_text(&fault));
        }
        list->n_over++;
}

static void go_on(FleetList *list)
{
        while (list->n_begun < list->n && list->n_begun - list->n_over < AT_ONCE)
                ask_host(&list->asked[list->n_begun++]);
        if (list->n_over == list->n)
                tell(list);
}

/* This host is one of them whether discovery knows it or not. */
static void find_hosts(FleetList *list, const FleetView *view, const DiscoveryHost *hosts, size_t n)
{
        bool is_listed = fleet_self(view->discovery, view->hostname, view->address);

        list->n = n + (is_listed ? 0 : 1);
        list->asked = g_new0(Asked, list->n);
        for (size_t i = 0; i < list->n; i++)
                list->asked[i] = (Asked){
                        .list = list,
                        .host = i < n ? fleet_host_of(view, &hosts[i]) : fleet_host_at(view, view->address),
                };
}

void fleet_list(Fleet *fleet, const char *guild_id, FleetListDone done, void *userdata, FleetList **ret)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        FleetView view = fleet_look(fleet);
        const DiscoveryHost *hosts;
        FleetList *list, *open;
        size_t n;

        if (fleet_hosts(view.discovery, &hosts, &n, &fault) < 0) {
                done(NULL, 0, &fault, userdata);
                return;
        }

        open = list = g_new0(FleetList, 1);
        *list = (FleetList){
                .holder = &open, .done = done, .userdata = userdata, .guild_id = g_strdup(guild_id)
        };
        fleet_operation_begin(&list->operation, fleet, fail_operation);
        find_hosts(list, &view, hosts, n);
        go_on(list);

        /* What has been answered may have taken its caller with it. */
        if (!open)
                return;
        *ret = open;
        open->holder = ret;
}
