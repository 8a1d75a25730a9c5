/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "identity.h"

static bool allows(const char *names, const char *globs)
{
        g_auto(GStrv) n = g_strsplit(names, " ", -1), g = g_strsplit(globs, " ", -1);

        return identity_is_allowed(n, g);
}

static void test_without_globs_everybody_is_allowed(void)
{
        char *const names[] = { (char *)"a", NULL }, *const none[] = { NULL };

        g_assert_true(identity_is_allowed(names, NULL));
        g_assert_true(identity_is_allowed(names, none));
        g_assert_true(identity_is_allowed(none, none));
}

static void test_any_name_may_fit_any_glob(void)
{
        g_assert_true(allows("host-1", "host-1"));
        g_assert_true(allows("x host-1", "y host-*"));
        g_assert_true(allows("host-1.agents.svc", "*.svc"));
        g_assert_true(allows("HOST-1", "host-?"));
        g_assert_false(allows("host-1", "host"));
        g_assert_false(allows("host-1", "host-[2-9]"));
        g_assert_false(allows("host-1.example.com.evil.org", "*.example.com"));
        g_assert_false(allows("", "host-*"));
}

static void test_whoever_has_no_name_fits_no_glob(void)
{
        char *const none[] = { NULL }, *const globs[] = { (char *)"*", NULL };

        g_assert_false(identity_is_allowed(none, globs));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/identity/without-globs-everybody-is-allowed", test_without_globs_everybody_is_allowed);
        g_test_add_func("/identity/any-name-may-fit-any-glob", test_any_name_may_fit_any_glob);
        g_test_add_func("/identity/whoever-has-no-name-fits-no-glob", test_whoever_has_no_name_fits_no_glob);
        return g_test_run();
}
