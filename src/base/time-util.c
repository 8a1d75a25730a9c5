/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "time-util.h"

const char *format_usec(char *buffer, size_t size, uint64_t usec)
{
        static const struct {
                const char *suffix;
                uint64_t usec;
        } units[] = {
                { "d", 24 * 60 * 60 * USEC_PER_SEC },
                { "h", 60 * 60 * USEC_PER_SEC },
                { "min", 60 * USEC_PER_SEC },
                { "s", USEC_PER_SEC },
                { "ms", USEC_PER_MSEC },
                { "us", 1 },
        };
        size_t n = 0;

        if (usec == USEC_INFINITY) {
                snprintf(buffer, size, "infinity");
                return buffer;
        }
        if (usec == 0) {
                snprintf(buffer, size, "0s");
                return buffer;
        }

        for (size_t i = 0; i < ELEMENTSOF(units) && n < size; i++) {
                uint64_t count = usec / units[i].usec;

                if (count == 0)
                        continue;
                usec %= units[i].usec;
                n += (size_t)snprintf(buffer + n, size - n, "%s%llu%s", n > 0 ? " " : "",
                        (unsigned long long)count, units[i].suffix);
        }

        return buffer;
}
