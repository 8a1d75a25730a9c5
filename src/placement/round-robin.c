/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement-order.h"

/* The more there is against a host, the later it is asked. */
typedef enum Rank {
        RANK_FRESH,
        RANK_PASSED_OVER,
        RANK_FULL,
        RANK_DRAINING,
        _RANK_MAX,
} Rank;

static Rank rank_of(const PlacementHost *h)
{
        return h->draining       ? RANK_DRAINING
                : h->full        ? RANK_FULL
                : h->passed_over ? RANK_PASSED_OVER
                                 : RANK_FRESH;
}

/* Where those of each rank begin in the order. Returns how many there are of all. */
static size_t divide(const PlacementHost *hosts, size_t n, size_t ret_begin[_RANK_MAX])
{
        size_t n_of[_RANK_MAX] = { 0 }, sum = 0;

        for (size_t i = 0; i < n; i++)
                if (hosts[i].ready)
                        n_of[rank_of(&hosts[i])]++;
        for (Rank rank = 0; rank < _RANK_MAX; rank++) {
                ret_begin[rank] = sum;
                sum += n_of[rank];
        }
        return sum;
}

size_t round_robin_order(
        const PlacementHost *hosts, size_t n, uint64_t turn, size_t *ret_order, size_t *ret_n_fresh)
{
        size_t next[_RANK_MAX], n_ready = divide(hosts, n, next), first, seen = 0;

        *ret_n_fresh = next[RANK_FRESH + 1];
        if (n_ready == 0)
                return 0;

        /* All that are ready count here, so that all hosts mean the same one by a turn. A turn of 0 is none
         * that the counter gives. */
        first = (size_t)((turn > 0 ? turn - 1 : 0) % n_ready);
        /* Twice around: from the first one on, then those before it. */
        for (size_t i = 0; i < 2 * n; i++) {
                const PlacementHost *h = &hosts[i % n];

                if (!h->ready)
                        continue;
                if (seen >= first && seen < first + n_ready)
                        ret_order[next[rank_of(h)]++] = i % n;
                seen++;
        }
        return n_ready;
}
