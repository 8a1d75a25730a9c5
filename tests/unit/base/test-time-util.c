/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "time-util.h"

#include <glib.h>

static void assert_formats(uint64_t usec, const char *expected)
{
        char buffer[FORMAT_USEC_MAX];

        g_assert_cmpstr(format_usec(buffer, sizeof(buffer), usec), ==, expected);
}

static void test_times_are_written_for_people(void)
{
        assert_formats(0, "0s");
        assert_formats(1, "1us");
        assert_formats(250 * USEC_PER_MSEC, "250ms");
        assert_formats(30 * USEC_PER_SEC, "30s");
        assert_formats(90 * USEC_PER_SEC, "1min 30s");
        assert_formats(UINT64_C(90061001001), "1d 1h 1min 1s 1ms 1us");
        assert_formats(USEC_INFINITY, "infinity");
        assert_formats(USEC_INFINITY - 1, "213503982d 8h 1min 49s 551ms 614us");
}

static void test_a_small_buffer_is_not_overrun(void)
{
        char buffer[8] = "xxxxxxx";

        format_usec(buffer, 4, USEC_INFINITY - 1);
        g_assert_cmpint(buffer[3], ==, '\0');
        g_assert_cmpint(buffer[4], ==, 'x');
}

static void test_addition_stays_at_infinity(void)
{
        g_assert_cmpuint(usec_add(1, 2), ==, 3);
        g_assert_cmpuint(usec_add(USEC_INFINITY, 1), ==, USEC_INFINITY);
        g_assert_cmpuint(usec_add(USEC_INFINITY - 1, 5), ==, USEC_INFINITY);
        g_assert_cmpuint(usec_add(USEC_INFINITY - 1, 1), ==, USEC_INFINITY);
}

static void test_the_clock_moves_on(void)
{
        uint64_t first = now_usec(CLOCK_MONOTONIC);

        g_assert_cmpuint(first, >, 0);
        g_assert_cmpuint(now_usec(CLOCK_MONOTONIC), >=, first);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/time/format", test_times_are_written_for_people);
        g_test_add_func("/time/format-small", test_a_small_buffer_is_not_overrun);
        g_test_add_func("/time/add", test_addition_stays_at_infinity);
        g_test_add_func("/time/now", test_the_clock_moves_on);
        return g_test_run();
}
