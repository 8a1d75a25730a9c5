/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "histogram.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)
#define SEC(n) ((n)*USEC_PER_SEC)

const HistogramBounds histogram_calls = {
        .n = 14,
        .usec = { MSEC(1), MSEC(2) + 500, MSEC(5), MSEC(10), MSEC(25), MSEC(50), MSEC(100), MSEC(250),
                MSEC(500), SEC(1), MSEC(2500), SEC(5), SEC(10), SEC(60) },
};

const HistogramBounds histogram_moments = {
        .n = 14,
        .usec = { 100, 250, 500, MSEC(1), MSEC(2) + 500, MSEC(5), MSEC(10), MSEC(25), MSEC(50), MSEC(100),
                MSEC(250), MSEC(500), SEC(1), SEC(5) },
};

void histogram_observe(Histogram *h, uint64_t usec)
{
        unsigned i = 0;

        while (i < h->bounds->n && usec > h->bounds->usec[i])
                i++;
        h->counts[i]++;
        h->sum_usec += usec;
}

uint64_t histogram_count(const Histogram *h)
{
        uint64_t n = 0;

        for (unsigned i = 0; i <= h->bounds->n; i++)
                n += h->counts[i];
        return n;
}
