/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-backoff.h"

uint64_t redis_backoff_usec(unsigned n_failed, bool lasting, uint64_t last_usec, uint32_t random)
{
        uint64_t first = REDIS_BACKOFF_FIRST_USEC, limit = first;

        if (last_usec < first)
                first = limit = last_usec;
        for (unsigned n = 0; n < n_failed && limit < last_usec; n++)
                limit = limit > last_usec / 2 ? last_usec : 2 * limit;
        if (lasting) {
                limit = last_usec;
                first = last_usec / 2 > first ? last_usec / 2 : first;
        }
        return first + (limit - first) * random / UINT32_MAX;
}
