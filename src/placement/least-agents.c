/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement-order.h"

/* A host of which nothing is known is not preferred to one with few agents, nor the other way round. */
void least_agents_arrange(const PlacementHost *hosts, size_t *order, size_t n_fresh, size_t n)
{
        uint32_t first, second;
        size_t second_place;

        (void)n;

        if (n_fresh < 2)
                return;
        first = hosts[order[0]].n_agents;
        second = hosts[order[1]].n_agents;
        if (first == PLACEMENT_AGENTS_UNKNOWN || second == PLACEMENT_AGENTS_UNKNOWN || first <= second)
                return;

        second_place = order[0];
        order[0] = order[1];
        order[1] = second_place;
}
