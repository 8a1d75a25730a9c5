/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "rate-limit.h"

#define SEC USEC_PER_SEC

static RateLimit *limit_new(void)
{
        return rate_limit_new(&(RateLimitSettings){ .per_sec = 2, .burst = 4, .n_max = 3 });
}

static unsigned take_all(RateLimit *l, const char *name, uint64_t now)
{
        unsigned n = 0;

        while (rate_limit_take(l, name, now))
                n++;
        return n;
}

static void test_a_burst_is_let_through_and_then_the_rate(void)
{
        RateLimit *l = limit_new();

        g_assert_cmpuint(take_all(l, "a", 100 * SEC), ==, 4);
        g_assert_cmpuint(take_all(l, "a", 101 * SEC), ==, 2);
        g_assert_cmpuint(take_all(l, "a", 101 * SEC + SEC / 2), ==, 1);
        g_assert_cmpuint(take_all(l, "a", 200 * SEC), ==, 4);
        rate_limit_free(l);
}

static void test_names_do_not_share(void)
{
        RateLimit *l = limit_new();

        g_assert_cmpuint(take_all(l, "a", 100 * SEC), ==, 4);
        g_assert_cmpuint(take_all(l, "b", 100 * SEC), ==, 4);
        rate_limit_free(l);
}

static void test_too_many_names_share_one_bucket(void)
{
        RateLimit *l = limit_new();

        for (const char *const *name = (const char *const[]){ "a", "b", "c", NULL }; *name; name++)
                g_assert_cmpuint(take_all(l, *name, 100 * SEC), ==, 4);
        g_assert_cmpuint(take_all(l, "d", 100 * SEC), ==, 4);
        g_assert_cmpuint(take_all(l, "e", 100 * SEC), ==, 0);
        g_assert_cmpuint(rate_limit_count(l), ==, 4);
        rate_limit_free(l);
}

static void test_full_buckets_are_forgotten(void)
{
        RateLimit *l = limit_new();

        for (const char *const *name = (const char *const[]){ "a", "b", "c", NULL }; *name; name++)
                g_assert_cmpuint(take_all(l, *name, 100 * SEC), ==, 4);
        g_assert_cmpuint(take_all(l, "d", 110 * SEC), ==, 4);
        g_assert_cmpuint(rate_limit_count(l), ==, 1);
        rate_limit_free(l);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/rate-limit/a-burst-is-let-through-and-then-the-rate",
                test_a_burst_is_let_through_and_then_the_rate);
        g_test_add_func("/rate-limit/names-do-not-share", test_names_do_not_share);
        g_test_add_func("/rate-limit/too-many-names-share-one-bucket", test_too_many_names_share_one_bucket);
        g_test_add_func("/rate-limit/full-buckets-are-forgotten", test_full_buckets_are_forgotten);
        return g_test_run();
}
