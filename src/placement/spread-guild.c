/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "placement-order.h"

/* Of a cluster with more, the others count as one. */
#define ZONES_MAX 32

typedef struct Zones {
        const char *names[ZONES_MAX];
        uint64_t n_guild_agents[ZONES_MAX];
        size_t n;
} Zones;

static size_t find_zone(Zones *z, const char *name)
{
        size_t i = 0;

        if (!name)
                name = "";
        while (i < z->n && strcmp(z->names[i], name) != 0)
                i++;
        if (i < z->n)
                return i;
        if (z->n == ZONES_MAX)
                return ZONES_MAX - 1;
        z->names[z->n] = name;
        z->n_guild_agents[z->n] = 0;
        return z->n++;
}

/* Moves the one at from to the place to, those between one up. */
static void move(size_t *order, size_t from, size_t to)
{
        size_t moved = order[from];

        memmove(&order[to + 1], &order[to], (from - to) * sizeof(*order));
        order[to] = moved;
}

/* The host with the fewest of the guild's agents; of several, the one in the zone with the fewest; of
 * several, the first in turn. Only that one is moved to the front: the next is asked if it refuses, and then
 * has to be good, not best. */
void spread_guild_arrange(const PlacementHost *hosts, size_t *order, size_t n_fresh, size_t n)
{
        uint64_t best_in_zone = UINT64_MAX;
        uint32_t fewest = UINT32_MAX;
        Zones zones = { .n = 0 };
        size_t best = 0;

        for (size_t i = 0; i < n; i++)
                zones.n_guild_agents[find_zone(&zones, hosts[order[i]].zone)] +=
                        hosts[order[i]].n_guild_agents;

        for (size_t i = 0; i < n_fresh; i++) {
                const PlacementHost *h = &hosts[order[i]];
                uint64_t in_zone = zones.n_guild_agents[find_zone(&zones, h->zone)];

                if (h->n_guild_agents > fewest || (h->n_guild_agents == fewest && in_zone >= best_in_zone))
                        continue;
                best = i;
                fewest = h->n_guild_agents;
                best_in_zone = in_zone;
        }
        if (n_fresh > 0)
                move(order, best, 0);
}
