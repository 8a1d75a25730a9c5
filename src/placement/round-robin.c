/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement-order.h"

size_t round_robin_order(
        const PlacementHost *hosts, size_t n, uint64_t turn, size_t *ret_order, size_t *ret_n_fresh)
{
        size_t n_ready = placement_count_ready(hosts, n), first, filled = 0, seen = 0;

        *ret_n_fresh = 0;
        if (n_ready == 0)
                return 0;

        /* Those passed over count here, so that all hosts mean the same one by a turn. A turn of 0 is none
         * that the counter gives. */
        first = (size_t)((turn > 0 ? turn - 1 : 0) % n_ready);
        for (int passed_over = 0; passed_over < 2; passed_over++) {
                /* Twice around: from the first one on, then those before it. */
                seen = 0;
                for (size_t i = 0; i < 2 * n; i++) {
                        const PlacementHost *h = &hosts[i % n];

                        if (!h->ready)
                                continue;
                        if (seen >= first && seen < first + n_ready && h->passed_over == (passed_over == 1))
                                ret_order[filled++] = i % n;
                        seen++;
                }
                if (passed_over == 0)
                        *ret_n_fresh = filled;
        }
        return n_ready;
}
