/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where an agent is to run: pure functions of what is known, that give an order of hosts to be asked, not
 * one host. All hosts that know the same give the same order. Used by the host. */

#include "fault.h"

typedef enum PlacementStrategy {
        PLACEMENT_ROUND_ROBIN,
        PLACEMENT_LEAST_AGENTS, /* of the next two, the one with fewer agents first */
        PLACEMENT_SPREAD_GUILD, /* first where the fewest of the guild's agents are */
        _PLACEMENT_STRATEGY_MAX,
} PlacementStrategy;

/* As in Strategy=. _PLACEMENT_STRATEGY_MAX for another name. */
const char *placement_strategy_name(PlacementStrategy strategy);
PlacementStrategy placement_strategy_from_name(const char *name);

#define PLACEMENT_AGENTS_UNKNOWN UINT32_MAX

typedef struct PlacementHost {
        bool ready;
        bool passed_over; /* it has just refused, or could not be reached */
        bool full, draining; /* as far as is known: it would refuse */
        uint32_t n_agents; /* PLACEMENT_AGENTS_UNKNOWN: not known */
        uint32_t n_guild_agents; /* of the agent's guild; for PLACEMENT_SPREAD_GUILD */
        const char *zone; /* "" or NULL: not known; the same */
} PlacementHost;

/* How many can be placed on. If none, nobody needs a turn. */
size_t placement_count_ready(const PlacementHost *hosts, size_t n);

/* hosts: in the order that all hosts know them in. turn: the counter's value, 1 and counting. ret_order: as
 * long as hosts; filled with the indices of the ready hosts, the one to be asked first in front; those
 * passed over follow, then the full ones, and those that drain are last. *ret_n says how many. Fault:
 * NoHosts. */
int placement_order(PlacementStrategy strategy,
        const PlacementHost *hosts,
        size_t n,
        uint64_t turn,
        size_t *ret_order,
        size_t *ret_n,
        Fault *fault);
