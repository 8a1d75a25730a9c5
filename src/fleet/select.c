/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "select.h"

#include <glib.h>
#include <string.h>

#include "fleet-hosts.h"
#include "log.h"
#include "pass-over.h"
#include "time-util.h"

/* With least-agents: of the next two. */
#define N_COMPARED 2u

struct HostSelector {
        const SelectHandlers *handlers;
        void *userdata;
        PassOver passed_over;
        PlacementCounter counter;
        uint64_t local_turn; /* the last one that was counted here */
        GQueue selections;
};

struct HostSelection {
        HostSelector *selector;
        GList link; /* of HostSelector.selections */
        HostSelection **holder;
        PlacementStrategy strategy;
        HostSelected done;
        void *userdata;
        RegistryCall *call;
        uint64_t turn;
        bool counted_here;
        char *compared[N_COMPARED + 1]; /* hostnames; ends with NULL */
        uint32_t n_agents[N_COMPARED]; /* of these */
};

const char *placement_counter_name(PlacementCounter counter)
{
        static const char *const names[_PLACEMENT_COUNTER_MAX] = {
                [PLACEMENT_COUNTER_SHARED] = "shared",
                [PLACEMENT_COUNTER_LOCAL] = "local",
                [PLACEMENT_COUNTER_OFF] = "off",
        };

        return names[counter];
}

int select_strategy_parse(const char *name, PlacementStrategy *ret, Fault *fault)
{
        static const PlacementStrategy known[] = { PLACEMENT_ROUND_ROBIN, PLACEMENT_LEAST_AGENTS };

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(placement_strategy_name(known[i]), name) == 0) {
                        *ret = known[i];
                        return 0;
                }
        return fault_set(fault, FAULT_INVALID_ARGS, "there is no strategy '%s', but '%s' and '%s'", name,
                placement_strategy_name(known[0]), placement_strategy_name(known[1]));
}

static SelectView look(const HostSelector *selector)
{
        SelectView view;

        selector->handlers->look(&view, selector->userdata);
        return view;
}

/* -- Who counts -- */

static PlacementCounter counter_of(const Registry *registry)
{
        return registry_state(registry) == REGISTRY_OFF ? PLACEMENT_COUNTER_OFF : PLACEMENT_COUNTER_SHARED;
}

/* why: with PLACEMENT_COUNTER_LOCAL. */
static void set_counter(HostSelector *selector, PlacementCounter counter, const Fault *why)
{
        if (selector->counter == counter)
                return;

        if (counter == PLACEMENT_COUNTER_LOCAL)
                log_warning("Turns of placement are counted by this host alone: %s", fault_text(why));
        else if (counter == PLACEMENT_COUNTER_SHARED && selector->counter == PLACEMENT_COUNTER_LOCAL)
                log_info("Turns of placement are counted by the registry again, for all hosts");
        selector->counter = counter;
        selector->handlers->counter_changed(selector->userdata);
}

void host_selector_registry_changed(HostSelector *selector)
{
        const SelectView view = look(selector);
        RegistryState state = registry_state(view.registry);

        if (state == REGISTRY_OK || state == REGISTRY_OFF)
                set_counter(selector, counter_of(view.registry), NULL);
}

PlacementCounter host_selector_counter(const HostSelector *selector)
{
        return selector->counter;
}

/* -- Selections -- */

static void release(HostSelection *s)
{
        s->call = registry_call_free(s->call);
        g_queue_unlink(&s->selector->selections, &s->link);
        if (s->holder)
                *s->holder = NULL;
        for (size_t i = 0; i < N_COMPARED; i++)
                g_free(s->compared[i]);
        g_free(s);
}

HostSelection *host_selection_free(HostSelection *selection)
{
        if (selection)
                release(selection);
        return NULL;
}

static void finish(HostSelection *s, const HostOrder *order, const Fault *fault)
{
        HostSelected done = s->done;
        void *userdata = s->userdata;

        release(s);
        done(order, fault, userdata);
}

/* PLACEMENT_AGENTS_UNKNOWN for those that were not asked about. */
static uint32_t n_agents_of(const HostSelection *s, const DiscoveryHost *host)
{
        for (size_t i = 0; s->compared[i]; i++)
                if (strcmp(s->compared[i], host->hostname) == 0)
                        return s->n_agents[i];
        return PLACEMENT_AGENTS_UNKNOWN;
}

static void mark_passed_over(const HostSelection *s,
        const Discovery *discovery,
        const DiscoveryHost *hosts,
        PlacementHost *described)
{
        const PassOver *passed_over = &s->selector->passed_over;
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        const char *hostname;

        for (size_t i = 0; (hostname = pass_over_next(passed_over, now, &i));) {
                const DiscoveryHost *host = discovery_find(discovery, hostname);

                if (host)
                        described[host - hosts].passed_over = true;
        }
}

static void mark(PlacementHost *described, const HostStatus *status)
{
        described->draining = status->draining;
        described->full = host_status_is_full(status);
}

/* Those that would refuse, as far as is known; how it is with this host is known for sure. */
static void mark_unwilling(const SelectView *view, const DiscoveryHost *hosts, PlacementHost *described)
{
        const HostStatus own = { view->n_agents, view->capacity, view->draining };
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        const DiscoveryHost *host;
        const char *hostname;
        HostStatus status;

        for (size_t i = 0; (hostname = host_statuses_next_unwilling(view->statuses, now, &i, &status));) {
                host = discovery_find(view->discovery, hostname);
                if (host)
                        mark(&described[host - hosts], &status);
        }
        if (!own.draining && !host_status_is_full(&own))
                return;
        host = fleet_self(view->discovery, view->hostname, view->address);
        if (host)
                mark(&described[host - hosts], &own);
}

static PlacementHost *describe(
        const HostSelection *s, const SelectView *view, const DiscoveryHost *hosts, size_t n)
{
        PlacementHost *described = g_new(PlacementHost, n);

        for (size_t i = 0; i < n; i++)
                described[i] = (PlacementHost){
                        .ready = hosts[i].ready,
                        .n_agents = n_agents_of(s, &hosts[i]),
                        .zone = hosts[i].zone,
                };
        mark_passed_over(s, view->discovery, hosts, described);
        mark_unwilling(view, hosts, described);
        return described;
}

/* The hosts in their order; the caller's. */
static const DiscoveryHost **make_order(
        const HostSelection *s, PlacementStrategy strategy, size_t *ret_n, Fault *fault)
{
        const SelectView view = look(s->selector);
        g_autofree PlacementHost *described = NULL;
        g_autofree size_t *order = NULL;
        const DiscoveryHost *hosts, **ordered;
        size_t n;

        if (fleet_hosts(view.discovery, &hosts, &n, fault) < 0)
                return NULL;
        described = describe(s, &view, hosts, n);
        order = g_new(size_t, n);
        if (placement_order(strategy, described, n, s->turn, order, ret_n, fault) < 0)
                return NULL;

        ordered = g_new(const DiscoveryHost *, *ret_n);
        for (size_t i = 0; i < *ret_n; i++)
                ordered[i] = &hosts[order[i]];
        return ordered;
}

static void answer(HostSelection *s)
{
        g_autofree const DiscoveryHost **ordered = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        HostOrder order = { .counted_here = s->counted_here };

        ordered = make_order(s, s->strategy, &order.n, &fault);
        order.hosts = ordered;
        finish(s, ordered ? &order : NULL, ordered ? NULL : &fault);
}

/* -- least-agents -- */

static void on_counts(const RegistryAnswer *counts, const Fault *fault, void *userdata)
{
        HostSelection *s = userdata;

        if (fault)
                log_debug("It is not known how many agents hosts have: %s", fault_text(fault));
        for (size_t i = 0; counts && i < counts->n_load; i++)
                for (size_t k = 0; s->compared[k]; k++)
                        if (strcmp(s->compared[k], counts->load[i].hostname) == 0)
                                s->n_agents[k] = counts->load[i].n_agents;
        answer(s);
}

/* How many this host has, it knows better. */
static void ask_counts(HostSelection *s)
{
        const SelectView view = look(s->selector);
        const DiscoveryHost *self = fleet_self(view.discovery, view.hostname, view.address);
        g_autofree const DiscoveryHost **ordered = NULL;
        const char *others[N_COMPARED];
        size_t n, n_others = 0;

        ordered = make_order(s, PLACEMENT_ROUND_ROBIN, &n, NULL);
        if (!ordered || n < N_COMPARED) {
                answer(s);
                return;
        }

        for (size_t i = 0; i < N_COMPARED; i++) {
                s->compared[i] = g_strdup(ordered[i]->hostname);
                s->n_agents[i] = ordered[i] == self ? view.n_agents : PLACEMENT_AGENTS_UNKNOWN;
                if (ordered[i] != self)
                        others[n_others++] = s->compared[i];
        }
        registry_agents(view.registry, others, n_others, on_counts, s, &s->call);
}

/* -- The turn -- */

static void on_turn(const RegistryAnswer *turn, const Fault *fault, void *userdata)
{
        HostSelection *s = userdata;
        HostSelector *selector = s->selector;

        s->counted_here = fault != NULL;
        s->turn = fault ? ++selector->local_turn : turn->turn;
        set_counter(selector, fault ? PLACEMENT_COUNTER_LOCAL : counter_of(look(selector).registry), fault);

        if (s->strategy == PLACEMENT_LEAST_AGENTS && !fault)
                ask_counts(s);
        else
                answer(s);
}

/* Nobody needs a turn if there is nobody to be had. */
static int check_hosts(const SelectView *view, Fault *fault)
{
        const DiscoveryHost *hosts;
        size_t n;
        int r;

        r = fleet_hosts(view->discovery, &hosts, &n, fault);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (hosts[i].ready)
                        return 0;
        return fault_set(fault, FAULT_NO_HOSTS, "No agent hosts available");
}

void host_select(HostSelector *selector,
        PlacementStrategy strategy,
        HostSelected done,
        void *userdata,
        HostSelection **ret_selection)
{
        const SelectView view = look(selector);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        HostSelection *s, *open;

        if (check_hosts(&view, &fault) < 0) {
                done(NULL, &fault, userdata);
                return;
        }

        open = s = g_new0(HostSelection, 1);
        *s = (HostSelection){
                .selector = selector,
                .link = { .data = s },
                .holder = &open,
                .strategy = strategy,
                .done = done,
                .userdata = userdata,
        };
        g_queue_push_tail_link(&selector->selections, &s->link);
        registry_turn(view.registry, on_turn, s, &s->call);

        /* What has been answered may have taken its caller with it. */
        if (!open)
                return;
        if (ret_selection)
                *ret_selection = open;
        open->holder = ret_selection;
}

/* -- The selector -- */

HostSelector *host_selector_new(const SelectHandlers *handlers, void *userdata)
{
        HostSelector *selector = g_new0(HostSelector, 1);

        *selector = (HostSelector){
                .handlers = handlers,
                .userdata = userdata,
                /* Hosts that count for themselves are not to choose the same host all at once. */
                .local_turn = g_random_int(),
        };
        selector->counter = counter_of(look(selector).registry);
        return selector;
}

HostSelector *host_selector_free(HostSelector *selector)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!selector)
                return NULL;

        fault_set(&fault, FAULT_FAILED, "agenthostd stops; ask again");
        while (selector->selections.head)
                finish(selector->selections.head->data, NULL, &fault);
        pass_over_done(&selector->passed_over);
        g_free(selector);
        return NULL;
}

void host_selector_pass_over(HostSelector *selector, const char *hostname)
{
        pass_over_add(&selector->passed_over, hostname, now_usec(CLOCK_MONOTONIC));
}
