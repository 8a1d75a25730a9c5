/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement.h"

#include <string.h>

#include "placement-order.h"

static const struct {
        const char *name;
        PlacementArrange arrange; /* NULL: it stays as round robin has it */
} strategies[_PLACEMENT_STRATEGY_MAX] = {
        [PLACEMENT_ROUND_ROBIN] = { "round-robin", NULL },
        [PLACEMENT_LEAST_AGENTS] = { "least-agents", least_agents_arrange },
        [PLACEMENT_SPREAD_GUILD] = { "spread-guild", spread_guild_arrange },
};

const char *placement_strategy_name(PlacementStrategy strategy)
{
        return strategies[strategy].name;
}

PlacementStrategy placement_strategy_from_name(const char *name)
{
        PlacementStrategy s = PLACEMENT_ROUND_ROBIN;

        while (s < _PLACEMENT_STRATEGY_MAX && strcmp(strategies[s].name, name) != 0)
                s++;
        return s;
}

size_t placement_count_ready(const PlacementHost *hosts, size_t n)
{
        size_t n_ready = 0;

        for (size_t i = 0; i < n; i++)
                n_ready += hosts[i].ready;
        return n_ready;
}

int placement_order(PlacementStrategy strategy,
        const PlacementHost *hosts,
        size_t n,
        uint64_t turn,
        size_t *ret_order,
        size_t *ret_n,
        Fault *fault)
{
        size_t n_ready, n_fresh;

        n_ready = round_robin_order(hosts, n, turn, ret_order, &n_fresh);
        if (n_ready == 0)
                return fault_set(fault, FAULT_NO_HOSTS, "No agent hosts available");

        if (strategies[strategy].arrange)
                strategies[strategy].arrange(hosts, ret_order, n_fresh, n_ready);
        *ret_n = n_ready;
        return 0;
}
