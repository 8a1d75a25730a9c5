/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long to wait before Redis is tried again. A fleet whose server comes back must not arrive together, so
 * the wait is anything up to a limit that doubles ("full jitter"). Pure arithmetic. */

#include "macros.h"

#define REDIS_BACKOFF_FIRST_USEC (100 * USEC_PER_MSEC)
#define REDIS_BACKOFF_LAST_USEC (10 * USEC_PER_SEC)

/* A connection that held for so long was a good one: what follows it begins anew. */
#define REDIS_BACKOFF_RESET_USEC (10 * USEC_PER_SEC)

/* n_failed: attempts in a row so far, from 1. lasting: it is a setting that is wrong, so soon is no use.
 * last: the longest wait. random: any number. */
uint64_t redis_backoff_usec(unsigned n_failed, bool lasting, uint64_t last_usec, uint32_t random);
