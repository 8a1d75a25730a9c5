/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart.h"

#include <glib.h>

#define SEC USEC_PER_SEC

static void test_policies_are_found_by_their_names(void)
{
        for (RestartPolicy p = RESTART_NO; p < _RESTART_POLICY_MAX; p++)
                g_assert_cmpint(restart_policy_from_name(restart_policy_name(p)), ==, p);
        g_assert_cmpint(restart_policy_from_name("on-success"), ==, _RESTART_POLICY_MAX);
        g_assert_cmpint(restart_policy_from_name(""), ==, _RESTART_POLICY_MAX);
        g_assert_cmpint(restart_policy_from_name("Always"), ==, _RESTART_POLICY_MAX);
}

static void test_policy_decides_by_success(void)
{
        static const struct {
                RestartPolicy policy;
                bool after_success, after_failure;
        } cases[] = {
                { RESTART_NO, false, false },
                { RESTART_ON_FAILURE, false, true },
                { RESTART_ALWAYS, true, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_assert_cmpint(restart_policy_wants(cases[i].policy, true), ==, cases[i].after_success);
                g_assert_cmpint(restart_policy_wants(cases[i].policy, false), ==, cases[i].after_failure);
        }
}

static void test_only_what_cannot_heal_is_hopeless(void)
{
        g_assert_true(restart_is_hopeless(FAULT_NO_SUCH_RUNTIME));
        g_assert_true(restart_is_hopeless(FAULT_ACCESS_DENIED));
        g_assert_true(restart_is_hopeless(FAULT_INVALID_ARGS));
        g_assert_false(restart_is_hopeless(FAULT_START_FAILED));
        g_assert_false(restart_is_hopeless(FAULT_LAUNCHER_UNAVAILABLE));
}

static void test_delay_doubles_up_to_the_maximum(void)
{
        static const uint64_t expected[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

        for (unsigned n = 0; n < ELEMENTSOF(expected); n++)
                g_assert_cmpuint(restart_delay_usec(SEC, 60 * SEC, n, 0), ==, expected[n] * SEC);
        g_assert_cmpuint(restart_delay_usec(SEC, 60 * SEC, UINT32_MAX, 0), ==, 60 * SEC);
}

static void test_jitter_stays_between_the_two_and_keeps_the_order(void)
{
        for (int round = 0; round < 1000; round++) {
                uint64_t before = 0;

                for (unsigned n = 0; n < 12; n++) {
                        uint64_t plain = restart_delay_usec(SEC, 60 * SEC, n, 0),
                                 delay = restart_delay_usec(SEC, 60 * SEC, n, g_random_int());

                        g_assert_cmpuint(delay, >=, SEC);
                        g_assert_cmpuint(delay, <=, 60 * SEC);
                        g_assert_cmpuint(delay, <=, plain + plain / 4);
                        g_assert_cmpuint(delay, >=, plain - plain / 4);
                        if (n < 6)
                                g_assert_cmpuint(delay, >, before);
                        before = delay;
                }
        }
}

static void test_delay_at_the_limits_of_its_settings(void)
{
        g_assert_cmpuint(restart_delay_usec(SEC, SEC, 5, 0), ==, SEC);
        g_assert_cmpuint(restart_delay_usec(SEC, SEC, 5, UINT32_MAX), ==, SEC);
        g_assert_cmpuint(restart_delay_usec(5 * SEC, SEC, 3, 0), ==, 5 * SEC);
        g_assert_cmpuint(restart_delay_usec(1, USEC_INFINITY, 1000, 7), ==, USEC_INFINITY);
        g_assert_cmpuint(restart_delay_usec(USEC_INFINITY, USEC_INFINITY, 0, 7), ==, USEC_INFINITY);
        /* Not what the launcher lets through, but no reason to stop. */
        g_assert_cmpuint(restart_delay_usec(0, 0, 3, 7), ==, 0);
}

static void test_no_second_sees_more_than_ten_restarts(void)
{
        RestartBucket bucket = { 0 };
        uint64_t turns[1000], now = 5 * SEC;

        for (size_t i = 0; i < ELEMENTSOF(turns); i++) {
                turns[i] = restart_bucket_take(&bucket, now);
                g_assert_cmpuint(turns[i], >=, now);
                if (i > 0)
                        g_assert_cmpuint(turns[i], >=, turns[i - 1]);
                if (i >= RESTART_BUCKET_SIZE)
                        g_assert_cmpuint(turns[i] - turns[i - RESTART_BUCKET_SIZE], >=, SEC);
                now += (uint64_t)g_random_int_range(0, 150000);
        }
}

static void test_those_above_wait_their_turn_and_no_longer(void)
{
        RestartBucket bucket = { 0 };

        for (unsigned i = 0; i < 25; i++)
                g_assert_cmpuint(restart_bucket_take(&bucket, SEC), ==, SEC + i / 10 * SEC);
        g_assert_cmpuint(restart_bucket_take(&bucket, 100 * SEC), ==, 100 * SEC);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/restart/policies-are-found-by-their-names", test_policies_are_found_by_their_names);
        g_test_add_func("/restart/policy-decides-by-success", test_policy_decides_by_success);
        g_test_add_func(
                "/restart/only-what-cannot-heal-is-hopeless", test_only_what_cannot_heal_is_hopeless);
        g_test_add_func("/restart/delay-doubles-up-to-the-maximum", test_delay_doubles_up_to_the_maximum);
        g_test_add_func("/restart/jitter-stays-between-the-two-and-keeps-the-order",
                test_jitter_stays_between_the_two_and_keeps_the_order);
        g_test_add_func(
                "/restart/delay-at-the-limits-of-its-settings", test_delay_at_the_limits_of_its_settings);
        g_test_add_func("/restart/no-second-sees-more-than-ten-restarts",
                test_no_second_sees_more_than_ten_restarts);
        g_test_add_func("/restart/those-above-wait-their-turn-and-no-longer",
                test_those_above_wait_their_turn_and_no_longer);
        return g_test_run();
}
