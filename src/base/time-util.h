/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Clocks in microseconds, as everywhere inside the project. */

#include <time.h>

#include "macros.h"

static inline uint64_t now_usec(clockid_t clock)
{
        struct timespec ts;

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / NSEC_PER_USEC;
}

/* a + b that stays at USEC_INFINITY. */
static inline uint64_t usec_add(uint64_t a, uint64_t b)
{
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* "30s", "1min 30s", "250ms": for messages. The buffer is the caller's; returns it. */
const char *format_usec(char *buffer, size_t size, uint64_t usec);
#define FORMAT_USEC_MAX 64
