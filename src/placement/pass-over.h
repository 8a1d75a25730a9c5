/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hosts that have refused an agent, or could not be reached: for a while they are asked last. */

#include "macros.h"

#define PASS_OVER_USEC (10 * USEC_PER_SEC)

/* As many at a time; beyond that the oldest is forgotten. */
#define PASS_OVER_MAX 256

typedef struct PassOver {
        struct {
                char *hostname;
                uint64_t until_usec;
        } hosts[PASS_OVER_MAX];
        size_t n;
} PassOver;

void pass_over_done(PassOver *p);

/* now_usec: of the monotonic clock. Without memory, nothing is remembered. */
void pass_over_add(PassOver *p, const char *hostname, uint64_t now_usec);

/* Those that are to come last now, one after the other, from *i = 0 on; NULL: these were all. */
const char *pass_over_next(const PassOver *p, uint64_t now_usec, size_t *i);
