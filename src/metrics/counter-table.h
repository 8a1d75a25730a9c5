/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Counters of one kind, told apart by one or two words: a metric with labels. Their number is bounded, and
 * so are the words, so that no caller, whatever he sends, makes this grow: further words are counted
 * together as "other". Counting allocates nothing. Used by agenthostd for what it counts of itself. */

#include "macros.h"

#define COUNTER_TABLE_MAX 64u
#define COUNTER_WORD_MAX 24u /* with its NUL: longer words are cut */
#define COUNTER_OTHER "other"

typedef struct Counter {
        char words[2][COUNTER_WORD_MAX]; /* the second may be "" */
        uint64_t n;
} Counter;

typedef struct CounterTable {
        Counter counters[COUNTER_TABLE_MAX];
        unsigned n_counters;
} CounterTable;

/* Counts n more. 0: from now on it is there, so that who looks at the metrics sees what there could be.
 * second may be NULL. */
void counter_table_add(CounterTable *table, const char *first, const char *second, uint64_t n);

/* 0 for what has not been counted. */
uint64_t counter_table_get(const CounterTable *table, const char *first, const char *second);
