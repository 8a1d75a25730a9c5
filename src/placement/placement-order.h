/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The strategies, as placement.c calls them. order has the ready hosts as round robin has them, those that
 * something is against at the end; n_fresh is how many are before these. Each rearranges it. */

#include "placement.h"

typedef void (*PlacementArrange)(const PlacementHost *hosts, size_t *order, size_t n_fresh, size_t n);

/* index (turn - 1) mod n over the ready hosts, and on from there; those passed over follow in that order,
 * then the full ones, then those that drain. */
size_t round_robin_order(
        const PlacementHost *hosts, size_t n, uint64_t turn, size_t *ret_order, size_t *ret_n_fresh);

void least_agents_arrange(const PlacementHost *hosts, size_t *order, size_t n_fresh, size_t n);
void spread_guild_arrange(const PlacementHost *hosts, size_t *order, size_t n_fresh, size_t n);
