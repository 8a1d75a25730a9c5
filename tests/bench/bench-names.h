/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bare service that answers ListAgents, as bare-list.c offers it, list-agents.c calls it, and
 * tests/bench/run lets it onto the bus. */

#define BENCH_NAME "org.agenthost.Bench"
#define BENCH_PATH "/org/agenthost/Bench"
#define BENCH_INTERFACE "org.agenthost.Bench"

/* A row of ListAgents. */
#define ROW "(sssubtso)"
