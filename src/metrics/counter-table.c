/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counter-table.h"

#include <string.h>

static bool has_word(const Counter *c, unsigned i, const char *word)
{
        return strncmp(c->words[i], word, COUNTER_WORD_MAX - 1) == 0;
}

static Counter *find(const CounterTable *t, const char *first, const char *second)
{
        for (unsigned i = 0; i < t->n_counters; i++) {
                const Counter *c = &t->counters[i];

                if (has_word(c, 0, first) && has_word(c, 1, second))
                        return (Counter *)c;
        }
        return NULL;
}

static Counter *append(CounterTable *t, const char *first, const char *second)
{
        Counter *c = &t->counters[t->n_counters++];

        (void)snprintf(c->words[0], COUNTER_WORD_MAX, "%s", first);
        (void)snprintf(c->words[1], COUNTER_WORD_MAX, "%s", second);
        return c;
}

/* The last place is for all for which there was none. */
static Counter *get(CounterTable *t, const char *first, const char *second)
{
        Counter *c = find(t, first, second);

        if (c)
                return c;
        if (t->n_counters < COUNTER_TABLE_MAX - 1)
                return append(t, first, second);
        if (t->n_counters < COUNTER_TABLE_MAX)
                return append(t, COUNTER_OTHER, *second ? COUNTER_OTHER : "");
        return &t->counters[COUNTER_TABLE_MAX - 1];
}

void counter_table_add(CounterTable *t, const char *first, const char *second, uint64_t n)
{
        get(t, first, second ? second : "")->n += n;
}

uint64_t counter_table_get(const CounterTable *t, const char *first, const char *second)
{
        const Counter *c = find(t, first, second ? second : "");

        return c ? c->n : 0;
}
