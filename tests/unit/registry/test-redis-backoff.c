/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-backoff.h"

#include <glib.h>

#define FIRST REDIS_BACKOFF_FIRST_USEC
#define LAST REDIS_BACKOFF_LAST_USEC

static void test_waits_are_spread_up_to_a_limit_that_doubles(void)
{
        static const uint64_t limits[] = { 2, 4, 8, 16, 32, 64, 100, 100 };

        for (unsigned n = 0; n < ELEMENTSOF(limits); n++) {
                g_assert_cmpuint(redis_backoff_usec(n + 1, false, LAST, 0), ==, FIRST);
                g_assert_cmpuint(redis_backoff_usec(n + 1, false, LAST, UINT32_MAX), ==, limits[n] * FIRST);
        }
        g_assert_cmpuint(redis_backoff_usec(UINT32_MAX, false, LAST, UINT32_MAX), ==, LAST);
}

static void test_what_lasts_is_not_tried_again_soon(void)
{
        g_assert_cmpuint(redis_backoff_usec(1, true, LAST, 0), ==, LAST / 2);
        g_assert_cmpuint(redis_backoff_usec(1, true, LAST, UINT32_MAX), ==, LAST);
}

static void test_limits_below_the_first_wait_hold(void)
{
        g_assert_cmpuint(redis_backoff_usec(1, false, 50, UINT32_MAX), ==, 50);
        g_assert_cmpuint(redis_backoff_usec(9, true, 50, 0), ==, 50);
        g_assert_cmpuint(redis_backoff_usec(9, true, 0, 7), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/redis-backoff/waits-are-spread-up-to-a-limit-that-doubles",
                test_waits_are_spread_up_to_a_limit_that_doubles);
        g_test_add_func("/redis-backoff/what-lasts-is-not-tried-again-soon",
                test_what_lasts_is_not_tried_again_soon);
        g_test_add_func(
                "/redis-backoff/limits-below-the-first-wait-hold", test_limits_below_the_first_wait_hold);
        return g_test_run();
}
