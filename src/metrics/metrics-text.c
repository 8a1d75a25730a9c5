/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-text.h"

#include <inttypes.h>

static const char *const type_names[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
};

void metrics_text_init(MetricsText *t)
{
        *t = (MetricsText){ .text = g_string_sized_new(16384) };
}

GBytes *metrics_text_finish(MetricsText *t)
{
        GBytes *bytes = g_string_free_to_bytes(steal_ptr(t->text));

        t->metric = NULL;
        return bytes;
}

void metrics_text_begin(MetricsText *t, const char *name, MetricType type, const char *help)
{
        t->metric = name;
        g_string_append_printf(t->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type_names[type]);
}

static void append_value(GString *text, const char *value)
{
        for (; *value; value++)
                switch (*value) {
                case '\\':
                        g_string_append(text, "\\\\");
                        break;
                case '"':
                        g_string_append(text, "\\\"");
                        break;
                case '\n':
                        g_string_append(text, "\\n");
                        break;
                default:
                        g_string_append_c(text, *value);
                        break;
                }
}

static void append_label(GString *text, const char *name, const char *value, char before)
{
        g_string_append_c(text, before);
        g_string_append(text, name);
        g_string_append(text, "=\"");
        append_value(text, value);
        g_string_append_c(text, '"');
}

/* All of a line but its value. le: the bound of a bucket; NULL: none. */
static void begin_line(MetricsText *t, const char *suffix, const MetricLabel *labels, const char *le)
{
        char before = '{';

        g_string_append(t->text, t->metric);
        g_string_append(t->text, suffix);
        for (; labels && labels->name; labels++) {
                append_label(t->text, labels->name, labels->value, before);
                before = ',';
        }
        if (le) {
                append_label(t->text, "le", le, before);
                before = ',';
        }
        g_string_append(t->text, before == '{' ? " " : "} ");
}

/* "1.5", "2": no more digits than it takes. */
static void format_seconds(char *buffer, size_t size, uint64_t usec)
{
        int n = snprintf(buffer, size, "%" PRIu64 ".%06" PRIu64, usec / USEC_PER_SEC, usec % USEC_PER_SEC);

        while (buffer[n - 1] == '0')
                buffer[--n] = '\0';
        if (buffer[n - 1] == '.')
                buffer[--n] = '\0';
}

static void write_number(
        MetricsText *t, const char *suffix, const MetricLabel *labels, const char *le, uint64_t value)
{
        begin_line(t, suffix, labels, le);
        g_string_append_printf(t->text, "%" PRIu64 "\n", value);
}

static void write_seconds(MetricsText *t, const char *suffix, const MetricLabel *labels, uint64_t usec)
{
        char seconds[32];

        format_seconds(seconds, sizeof(seconds), usec);
        begin_line(t, suffix, labels, NULL);
        g_string_append_printf(t->text, "%s\n", seconds);
}

void metrics_text_number(MetricsText *t, const MetricLabel *labels, uint64_t value)
{
        write_number(t, "", labels, NULL, value);
}

void metrics_text_seconds(MetricsText *t, const MetricLabel *labels, uint64_t usec)
{
        write_seconds(t, "", labels, usec);
}

/* In this format a bucket counts what is in those before it, too. */
void metrics_text_histogram(MetricsText *t, const MetricLabel *labels, const Histogram *h)
{
        uint64_t n = 0;
        char le[32];

        for (unsigned i = 0; i < h->bounds->n; i++) {
                n += h->counts[i];
                format_seconds(le, sizeof(le), h->bounds->usec[i]);
                write_number(t, "_bucket", labels, le, n);
        }
        n += h->counts[h->bounds->n];
        write_number(t, "_bucket", labels, "+Inf", n);
        write_seconds(t, "_sum", labels, h->sum_usec);
        write_number(t, "_count", labels, NULL, n);
}

void metrics_text_one(MetricsText *t, const char *name, MetricType type, const char *help, uint64_t value)
{
        metrics_text_begin(t, name, type, help);
        metrics_text_number(t, NULL, value);
}

void metrics_text_table(MetricsText *t, const char *first, const char *second, const CounterTable *table)
{
        for (unsigned i = 0; i < table->n_counters; i++) {
                const Counter *c = &table->counters[i];
                const MetricLabel labels[] = {
                        { first, c->words[0] },
                        { second, c->words[1] },
                        { NULL, NULL },
                };

                metrics_text_number(t, labels, c->n);
        }
}
