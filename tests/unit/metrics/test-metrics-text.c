/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text format of Prometheus, as it is written. */

#include <glib.h>

#include "metrics-text.h"

/* The caller's. */
static char *finish(MetricsText *t)
{
        g_autoptr(GBytes) bytes = metrics_text_finish(t);
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);

        return g_strndup(data, size);
}

static void assert_text(MetricsText *t, const char *expected)
{
        g_autofree char *text = finish(t);

        g_assert_cmpstr(text, ==, expected);
}

static void test_a_metric_has_help_type_and_samples(void)
{
        MetricsText t;

        metrics_text_init(&t);
        metrics_text_one(&t, "a_total", METRIC_COUNTER, "What a is.", 3);
        metrics_text_begin(&t, "b", METRIC_GAUGE, "What b is.");
        metrics_text_number(&t, (const MetricLabel[]){ { "x", "1" }, { "y", "2" }, { 0 } }, UINT64_MAX);
        metrics_text_number(&t, (const MetricLabel[]){ { 0 } }, 0);
        assert_text(&t,
                "# HELP a_total What a is.\n"
                "# TYPE a_total counter\n"
                "a_total 3\n"
                "# HELP b What b is.\n"
                "# TYPE b gauge\n"
                "b{x=\"1\",y=\"2\"} 18446744073709551615\n"
                "b 0\n");
}

static void test_values_of_labels_are_escaped(void)
{
        MetricsText t;

        metrics_text_init(&t);
        metrics_text_begin(&t, "a", METRIC_GAUGE, "A.");
        metrics_text_number(&t, (const MetricLabel[]){ { "x", "a\"b\\c\nd{},=\xc3\xa9" }, { 0 } }, 1);
        metrics_text_number(&t, (const MetricLabel[]){ { "x", "" }, { 0 } }, 1);
        assert_text(&t,
                "# HELP a A.\n# TYPE a gauge\n"
                "a{x=\"a\\\"b\\\\c\\nd{},=\xc3\xa9\"} 1\n"
                "a{x=\"\"} 1\n");
}

static void test_times_are_exact_seconds(void)
{
        MetricsText t;

        metrics_text_init(&t);
        metrics_text_begin(&t, "a_seconds", METRIC_GAUGE, "A.");
        metrics_text_seconds(&t, NULL, 0);
        metrics_text_seconds(&t, NULL, 1);
        metrics_text_seconds(&t, NULL, 1500000);
        metrics_text_seconds(&t, NULL, 100 * USEC_PER_SEC);
        metrics_text_seconds(&t, NULL, UINT64_C(1795581627123456));
        assert_text(&t,
                "# HELP a_seconds A.\n# TYPE a_seconds gauge\n"
                "a_seconds 0\na_seconds 0.000001\na_seconds 1.5\na_seconds 100\na_seconds "
                "1795581627.123456\n");
}

static void test_buckets_count_those_before_them(void)
{
        static const HistogramBounds bounds = { .n = 2, .usec = { 2500, USEC_PER_SEC } };
        Histogram h = HISTOGRAM_INIT(&bounds);
        MetricsText t;

        histogram_observe(&h, 2500);
        histogram_observe(&h, 3000);
        histogram_observe(&h, 3000);
        histogram_observe(&h, 2 * USEC_PER_SEC);
        metrics_text_init(&t);
        metrics_text_begin(&t, "a_seconds", METRIC_HISTOGRAM, "A.");
        metrics_text_histogram(&t, NULL, &h);
        metrics_text_histogram(&t, (const MetricLabel[]){ { "x", "y" }, { 0 } }, &h);
        assert_text(&t,
                "# HELP a_seconds A.\n# TYPE a_seconds histogram\n"
                "a_seconds_bucket{le=\"0.0025\"} 1\n"
                "a_seconds_bucket{le=\"1\"} 3\n"
                "a_seconds_bucket{le=\"+Inf\"} 4\n"
                "a_seconds_sum 2.0085\n"
                "a_seconds_count 4\n"
                "a_seconds_bucket{x=\"y\",le=\"0.0025\"} 1\n"
                "a_seconds_bucket{x=\"y\",le=\"1\"} 3\n"
                "a_seconds_bucket{x=\"y\",le=\"+Inf\"} 4\n"
                "a_seconds_sum{x=\"y\"} 2.0085\n"
                "a_seconds_count{x=\"y\"} 4\n");
}

static void test_words_of_a_table_are_labels(void)
{
        CounterTable table = { 0 };
        MetricsText t;

        counter_table_add(&table, "create", "201", 2);
        counter_table_add(&table, "stop", "200", 0);
        metrics_text_init(&t);
        metrics_text_begin(&t, "a_total", METRIC_COUNTER, "A.");
        metrics_text_table(&t, "operation", "code", &table);
        metrics_text_table(&t, "operation", NULL, &table);
        assert_text(&t,
                "# HELP a_total A.\n# TYPE a_total counter\n"
                "a_total{operation=\"create\",code=\"201\"} 2\n"
                "a_total{operation=\"stop\",code=\"200\"} 0\n"
                "a_total{operation=\"create\"} 2\n"
                "a_total{operation=\"stop\"} 0\n");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, f) g_test_add_func("/metrics/text/" name, f)
        ADD("a-metric-has-help-type-and-samples", test_a_metric_has_help_type_and_samples);
        ADD("values-of-labels-are-escaped", test_values_of_labels_are_escaped);
        ADD("times-are-exact-seconds", test_times_are_exact_seconds);
        ADD("buckets-count-those-before-them", test_buckets_count_those_before_them);
        ADD("words-of-a-table-are-labels", test_words_of_a_table_are_labels);
#undef ADD
        return g_test_run();
}
