/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long something took, sorted into buckets. An observation is a few comparisons and two additions: it
 * allocates nothing and costs nanoseconds. Used by agenthostd for what it counts of itself. */

#include "macros.h"

#define HISTOGRAM_BOUNDS_MAX 16u

/* Upper bounds of the buckets, ascending, in microseconds; what is longer is in one more. */
typedef struct HistogramBounds {
        unsigned n;
        uint64_t usec[HISTOGRAM_BOUNDS_MAX];
} HistogramBounds;

typedef struct Histogram {
        const HistogramBounds *bounds; /* static */
        uint64_t
                counts[HISTOGRAM_BOUNDS_MAX + 1]; /* each bucket's own; the last one is for what is longer */
        uint64_t sum_usec;
} Histogram;

/* From a millisecond to a minute: what other processes or hosts are asked for. */
extern const HistogramBounds histogram_calls;

/* From 100 microseconds to 5 seconds: what is to be over in a moment. */
extern const HistogramBounds histogram_moments;

#define HISTOGRAM_INIT(b) ((Histogram){ .bounds = (b) })

void histogram_observe(Histogram *histogram, uint64_t usec);

/* How many have been observed. */
uint64_t histogram_count(const Histogram *histogram);
