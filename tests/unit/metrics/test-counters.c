/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is counted: histograms, tables of counters, requests. */

#include <glib.h>
#include <string.h>

#include "counter-table.h"
#include "histogram.h"
#include "request-metrics.h"

static void test_a_bound_belongs_to_its_bucket(void)
{
        Histogram h = HISTOGRAM_INIT(&histogram_moments);

        histogram_observe(&h, 0);
        histogram_observe(&h, 100);
        histogram_observe(&h, 101);
        histogram_observe(&h, 5 * USEC_PER_SEC);
        histogram_observe(&h, 5 * USEC_PER_SEC + 1);

        g_assert_cmpuint(h.counts[0], ==, 2);
        g_assert_cmpuint(h.counts[1], ==, 1);
        g_assert_cmpuint(h.counts[h.bounds->n - 1], ==, 1);
        g_assert_cmpuint(h.counts[h.bounds->n], ==, 1);
        g_assert_cmpuint(histogram_count(&h), ==, 5);
        g_assert_cmpuint(h.sum_usec, ==, 201 + 10 * USEC_PER_SEC + 1);
}

static void test_bounds_ascend(void)
{
        const HistogramBounds *all[] = { &histogram_calls, &histogram_moments };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                g_assert_cmpuint(all[i]->n, <=, HISTOGRAM_BOUNDS_MAX);
                for (unsigned k = 1; k < all[i]->n; k++)
                        g_assert_cmpuint(all[i]->usec[k], >, all[i]->usec[k - 1]);
        }
}

static void test_words_have_counters_of_their_own(void)
{
        CounterTable t = { 0 };

        counter_table_add(&t, "create", "200", 1);
        counter_table_add(&t, "create", "409", 2);
        counter_table_add(&t, "stop", "200", 3);
        counter_table_add(&t, "create", "200", 1);
        counter_table_add(&t, "create", NULL, 7);

        g_assert_cmpuint(counter_table_get(&t, "create", "200"), ==, 2);
        g_assert_cmpuint(counter_table_get(&t, "create", "409"), ==, 2);
        g_assert_cmpuint(counter_table_get(&t, "stop", "200"), ==, 3);
        g_assert_cmpuint(counter_table_get(&t, "create", NULL), ==, 7);
        g_assert_cmpuint(counter_table_get(&t, "stop", NULL), ==, 0);
        g_assert_cmpuint(t.n_counters, ==, 4);
}

static void test_a_word_can_be_there_before_it_is_counted(void)
{
        CounterTable t = { 0 };

        counter_table_add(&t, "oom-kill", NULL, 0);
        g_assert_cmpuint(t.n_counters, ==, 1);
        g_assert_cmpuint(counter_table_get(&t, "oom-kill", NULL), ==, 0);
        counter_table_add(&t, "oom-kill", NULL, 1);
        g_assert_cmpuint(t.n_counters, ==, 1);
        g_assert_cmpuint(counter_table_get(&t, "oom-kill", NULL), ==, 1);
}

static void test_too_many_words_are_counted_together(void)
{
        CounterTable t = { 0 };

        for (unsigned i = 0; i < 1000; i++) {
                g_autofree char *word = g_strdup_printf("%u", i);

                counter_table_add(&t, word, NULL, 1);
        }
        g_assert_cmpuint(t.n_counters, ==, COUNTER_TABLE_MAX);
        g_assert_cmpuint(counter_table_get(&t, "62", NULL), ==, 1);
        g_assert_cmpuint(counter_table_get(&t, COUNTER_OTHER, NULL), ==, 1000 - (COUNTER_TABLE_MAX - 1));
        counter_table_add(&t, "a", "b", 1);
        g_assert_cmpuint(t.n_counters, ==, COUNTER_TABLE_MAX);
}

static void test_a_long_word_is_cut_and_found_again(void)
{
        g_autofree char *word = g_strnfill(1000, 'x');
        CounterTable t = { 0 };

        counter_table_add(&t, word, word, 1);
        counter_table_add(&t, word, word, 1);
        g_assert_cmpuint(t.n_counters, ==, 1);
        g_assert_cmpuint(counter_table_get(&t, word, word), ==, 2);
        g_assert_cmpuint(strlen(t.counters[0].words[1]), ==, COUNTER_WORD_MAX - 1);
}

static void test_requests_are_counted_by_operation_and_code(void)
{
        RequestMetrics m = { 0 };

        request_metrics_observe(&m, "create", 201, 3000);
        request_metrics_observe(&m, "create", 409, 100);
        request_metrics_observe(&m, "health", 200, 50);

        g_assert_cmpuint(counter_table_get(&m.counts, "create", "201"), ==, 1);
        g_assert_cmpuint(counter_table_get(&m.counts, "create", "409"), ==, 1);
        g_assert_cmpuint(counter_table_get(&m.counts, "health", "200"), ==, 1);
        g_assert_cmpuint(m.n_operations, ==, 2);
        g_assert_cmpuint(histogram_count(&m.operations[0].duration), ==, 2);
        g_assert_cmpuint(m.operations[0].duration.sum_usec, ==, 3100);
}

static void test_more_operations_than_there_are_do_no_harm(void)
{
        static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
        RequestMetrics m = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                request_metrics_observe(&m, names[i], 200, 1);
        g_assert_cmpuint(m.n_operations, ==, REQUEST_OPERATIONS_MAX);
        g_assert_cmpuint(counter_table_get(&m.counts, "9", "200"), ==, 1);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, f) g_test_add_func("/metrics/counters/" name, f)
        ADD("a-bound-belongs-to-its-bucket", test_a_bound_belongs_to_its_bucket);
        ADD("bounds-ascend", test_bounds_ascend);
        ADD("words-have-counters-of-their-own", test_words_have_counters_of_their_own);
        ADD("a-word-can-be-there-before-it-is-counted", test_a_word_can_be_there_before_it_is_counted);
        ADD("too-many-words-are-counted-together", test_too_many_words_are_counted_together);
        ADD("a-long-word-is-cut-and-found-again", test_a_long_word_is_cut_and_found_again);
        ADD("requests-are-counted-by-operation-and-code", test_requests_are_counted_by_operation_and_code);
        ADD("more-operations-than-there-are-do-no-harm", test_more_operations_than_there_are_do_no_harm);
#undef ADD
        return g_test_run();
}
