/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which hosts are to be asked to run an agent, and in which order: the list comes from discovery, whose turn
 * it is from the registry, and the order from placement. Used for RunAgent and SelectHost.
 *
 * Nothing is asked but the registry, and it only for a turn (one INCR), and with least-agents for how many
 * agents two hosts have. Hosts that are known to be full or to drain (host-statuses.h) come last. When it
 * cannot tell, turns are counted here: the order says so, and so does host_selector_counter(). A selection
 * whose answers are known at once (a registry in memory, or one that is known to be away) is answered before
 * the call returns, any other from the loop. */

#include "discovery.h"
#include "host-statuses.h"
#include "placement.h"
#include "registry.h"

/* What the selector looks at, as it is at that moment: reloads replace all of it. Borrowed. */
typedef struct SelectView {
        Registry *registry;
        const Discovery *discovery;
        const char *hostname, *address; /* of this host */
        unsigned n_agents, capacity; /* here */
        bool draining; /* the same */
        const HostStatuses *statuses; /* of the others */
} SelectView;

/* Who has counted the last turn. */
typedef enum PlacementCounter {
        PLACEMENT_COUNTER_SHARED, /* the registry, for all hosts */
        PLACEMENT_COUNTER_LOCAL, /* this host, as the registry could not be asked */
        PLACEMENT_COUNTER_OFF, /* this host, as there is no registry to share */
        _PLACEMENT_COUNTER_MAX,
} PlacementCounter;

const char *placement_counter_name(PlacementCounter counter);

typedef struct SelectHandlers {
        void (*look)(SelectView *ret, void *userdata);

        /* host_selector_counter() is another one. */
        void (*counter_changed)(void *userdata);
} SelectHandlers;

/* The strategies that a selector can do with what it knows. Fault: InvalidArgs, which names them. */
int select_strategy_parse(const char *name, PlacementStrategy *ret, Fault *fault);

typedef struct HostSelector HostSelector;

HostSelector *host_selector_new(const SelectHandlers *handlers, void *userdata);

/* Who waits for an order is answered (with a fault). */
HostSelector *host_selector_free(HostSelector *selector);

PlacementCounter host_selector_counter(const HostSelector *selector);

/* The registry can be asked again, or is another one: who counts is told anew. */
void host_selector_registry_changed(HostSelector *selector);

/* This host has refused an agent, or could not be reached: for 10 s it comes last. */
void host_selector_pass_over(HostSelector *selector, const char *hostname);

typedef struct HostOrder {
        const DiscoveryHost *const
                *hosts; /* the one to be asked first in front; this host may be among them */
        size_t n; /* at least 1 */
        bool counted_here; /* the registry should have counted the turn, and could not */
} HostOrder;

/* Of order and fault, one is NULL; the order is the callback's for its time. Faults: DiscoveryUnavailable:
 * it is not known which hosts there are; NoHosts: none is ready. Then no turn was used. The selection is
 * gone when it runs. */
typedef void (*HostSelected)(const HostOrder *order, const Fault *fault, void *userdata);

/* A selection lives until answered; freeing it means that its callback never comes. Its waits have the
 * limits of the registry's calls. */
typedef struct HostSelection HostSelection;
HostSelection *host_selection_free(HostSelection *selection);

/* ret_selection: where the caller keeps it: NULL before, left alone by what is answered before this returns,
 * NULL again before the callback runs. NULL: the selector keeps it. */
void host_select(HostSelector *selector,
        PlacementStrategy strategy,
        HostSelected done,
        void *userdata,
        HostSelection **ret_selection);
