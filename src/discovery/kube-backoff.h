/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When to try again what has failed: exponential, with full jitter, so that a thousand hosts that lost the
 * same server do not come back together. */

#include "macros.h"

#define KUBE_BACKOFF_MIN_USEC (500 * USEC_PER_MSEC)
#define KUBE_BACKOFF_MAX_USEC (30 * USEC_PER_SEC)

/* The most that is waited after so many failures, the first being 1. */
uint64_t kube_backoff_cap_usec(unsigned n_failures);

/* random: any number, of any size. retry_after_usec: what the server has asked for at least. */
uint64_t kube_backoff_usec(unsigned n_failures, uint64_t retry_after_usec, uint32_t random);
