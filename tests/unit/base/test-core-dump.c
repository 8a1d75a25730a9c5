/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core-dump.h"

#include <glib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void set_limit(rlim_t soft)
{
        struct rlimit limit;

        g_assert_cmpint(getrlimit(RLIMIT_CORE, &limit), ==, 0);
        limit.rlim_cur = soft;
        g_assert_cmpint(setrlimit(RLIMIT_CORE, &limit), ==, 0);
}

static void allow(void)
{
        g_assert_cmpint(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), ==, 0);
}

static void test_limit_allows_dumps(void)
{
        struct rlimit limit;

        g_assert_cmpint(getrlimit(RLIMIT_CORE, &limit), ==, 0);
        if (limit.rlim_max == 0) {
                g_test_skip("no core dumps are allowed here");
                return;
        }
        allow();
        set_limit(limit.rlim_max);
        core_dump_forbid_unless_allowed();
        g_assert_cmpint(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), ==, 1);
}

static void test_a_limit_of_nothing_means_none(void)
{
        allow();
        set_limit(0);
        core_dump_forbid_unless_allowed();
        g_assert_cmpint(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), ==, 0);
        allow();
}

static void test_forbidden_is_whatever_the_limit_says(void)
{
        allow();
        core_dump_forbid();
        g_assert_cmpint(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), ==, 0);
        allow();
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/core-dump/limit-allows-dumps", test_limit_allows_dumps);
        g_test_add_func("/core-dump/a-limit-of-nothing-means-none", test_a_limit_of_nothing_means_none);
        g_test_add_func(
                "/core-dump/forbidden-whatever-the-limit-says", test_forbidden_is_whatever_the_limit_says);

        return g_test_run();
}
