/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes metrics in the text format of Prometheus (version 0.0.4). A metric is begun with its name, type and
 * help, then come its samples; so all of a metric stands together, as the format wants it. Times are
 * written in seconds, exactly. Used by agenthostd. */

#include <glib.h>

#include "counter-table.h"
#include "histogram.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef enum MetricType {
        METRIC_COUNTER, /* the name ends in _total */
        METRIC_GAUGE,
        METRIC_HISTOGRAM,
} MetricType;

/* The value is any UTF-8. Lists of labels end with one without a name; NULL is an empty one. */
typedef struct MetricLabel {
        const char *name;
        const char *value;
} MetricLabel;

typedef struct MetricsText {
        GString *text;
        const char *metric; /* the name of the one that has been begun; borrowed */
} MetricsText;

void metrics_text_init(MetricsText *t);

/* The text, the caller's; and the end of t. */
GBytes *metrics_text_finish(MetricsText *t);

/* name: borrowed until the next one is begun. help: one line, no backslash. */
void metrics_text_begin(MetricsText *t, const char *name, MetricType type, const char *help);

void metrics_text_number(MetricsText *t, const MetricLabel *labels, uint64_t value);
void metrics_text_seconds(MetricsText *t, const MetricLabel *labels, uint64_t usec);
void metrics_text_histogram(MetricsText *t, const MetricLabel *labels, const Histogram *histogram);

/* A whole metric without labels; and one of a table, whose words are the values of these labels (second may
 * be NULL). */
void metrics_text_one(MetricsText *t, const char *name, MetricType type, const char *help, uint64_t value);
void metrics_text_table(MetricsText *t, const char *first, const char *second, const CounterTable *table);
