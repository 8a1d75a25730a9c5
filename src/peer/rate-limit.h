/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How often somebody may do something: buckets of tokens by name, each filled at a rate. A bucket that is
 * full again is forgotten; there are never more than a number of them, so that whoever comes under many
 * names costs no memory: further names share one bucket. Used by the server, for connections by address and
 * for requests by name. */

#include "macros.h"

typedef struct RateLimit RateLimit;

typedef struct RateLimitSettings {
        unsigned per_sec; /* at least 1 */
        unsigned burst; /* at least 1 */
        unsigned n_max; /* names */
} RateLimitSettings;

RateLimit *rate_limit_new(const RateLimitSettings *settings);
RateLimit *rate_limit_free(RateLimit *limit);

/* Takes a token, if there is one. now_usec: of a clock that does not jump. */
bool rate_limit_take(RateLimit *limit, const char *name, uint64_t now_usec);

unsigned rate_limit_count(const RateLimit *limit);
