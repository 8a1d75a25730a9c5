/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests that a server has answered: how many, by operation and status code, and how long they took, by
 * operation. Used by agenthostd for what other hosts ask of it. */

#include "counter-table.h"
#include "histogram.h"

#define REQUEST_OPERATIONS_MAX 8u

typedef struct RequestOperation {
        const char *name; /* static */
        Histogram duration;
} RequestOperation;

typedef struct RequestMetrics {
        CounterTable counts;
        RequestOperation operations[REQUEST_OPERATIONS_MAX];
        unsigned n_operations;
} RequestMetrics;

/* operation: a static text, one of a few. */
void request_metrics_observe(RequestMetrics *metrics, const char *operation, unsigned status, uint64_t usec);
