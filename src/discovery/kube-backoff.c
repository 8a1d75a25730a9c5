/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-backoff.h"

/* Not at once, whatever the dice say. */
#define FLOOR_USEC (50 * USEC_PER_MSEC)

uint64_t kube_backoff_cap_usec(unsigned n_failures)
{
        uint64_t cap = KUBE_BACKOFF_MIN_USEC;

        for (unsigned i = 1; i < n_failures && cap < KUBE_BACKOFF_MAX_USEC; i++)
                cap *= 2;
        return cap < KUBE_BACKOFF_MAX_USEC ? cap : KUBE_BACKOFF_MAX_USEC;
}

uint64_t kube_backoff_usec(unsigned n_failures, uint64_t retry_after_usec, uint32_t random)
{
        uint64_t range = kube_backoff_cap_usec(n_failures) - FLOOR_USEC;

        /* They were all told the same, so what is waited beyond it is what tells them apart. */
        return retry_after_usec + FLOOR_USEC + range * random / UINT32_MAX;
}
