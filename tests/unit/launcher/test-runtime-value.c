/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-value.h"

#include <glib.h>
#include <string.h>

#include "strv.h"

static void assert_limit(const char *key, const char *value, rlim_t soft, rlim_t hard)
{
        RuntimeLimit limit = { 0 };

        g_assert_cmpint(limit_parse(key, value, &limit, NULL), ==, 0);
        g_assert_true(limit.set);
        g_assert_cmpuint(limit.value.rlim_cur, ==, soft);
        g_assert_cmpuint(limit.value.rlim_max, ==, hard);
}

static void test_limits_have_the_units_of_systemd(void)
{
        assert_limit("LimitNOFILE", "1024", 1024, 1024);
        assert_limit("LimitNOFILE", "1024:4096", 1024, 4096);
        assert_limit("LimitNOFILE", "1024:infinity", 1024, RLIM_INFINITY);
        assert_limit("LimitCORE", "infinity", RLIM_INFINITY, RLIM_INFINITY);
        assert_limit("LimitAS", "1.5G:2G", (rlim_t)1536 << 20, (rlim_t)2048 << 20);
        assert_limit("LimitCPU", "90", 90, 90);
        assert_limit("LimitCPU", "1min:2min", 60, 120);
        assert_limit("LimitCPU", "1500ms", 2, 2);
        assert_limit("LimitRTTIME", "500", 500, 500);
        assert_limit("LimitRTTIME", "2ms:1s", 2000, 1000000);
        assert_limit("LimitNICE", "15", 15, 15);
        assert_limit("LimitNICE", "+5", 15, 15);
        assert_limit("LimitNICE", "-20", 40, 40);
        assert_limit("LimitNICE", "+19:-1", 1, 21);
        assert_limit("LimitRTPRIO", "0:99", 0, 99);
}

static void test_every_resource_of_the_kernel_has_a_key(void)
{
        static const char *const keys[] = { "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NOFILE", "AS",
                "NPROC", "MEMLOCK", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME" };
        bool seen[RLIM_NLIMITS] = { false };

        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *key = g_strconcat("Limit", keys[i], NULL);
                int resource = limit_resource(key);

                g_assert_cmpint(resource, >=, 0);
                g_assert_cmpint(resource, <, RLIM_NLIMITS);
                seen[resource] = true;
        }
        for (size_t i = 0; i < RLIM_NLIMITS; i++)
                g_assert_true(seen[i]);
        g_assert_cmpint(limit_resource("LimitFOO"), ==, -ENOENT);
        g_assert_cmpint(limit_resource("Limit"), ==, -ENOENT);
}

static void test_bad_limits_are_refused(void)
{
        static const struct {
                const char *key, *value;
        } bad[] = { { "LimitNOFILE", "" }, { "LimitNOFILE", "x" }, { "LimitNOFILE", "-1" },
                { "LimitNOFILE", "1K" }, { "LimitNOFILE", "1:2:3" }, { "LimitNOFILE", ":5" },
                { "LimitNOFILE", "5:" }, { "LimitNOFILE", "1 : 2" }, { "LimitNOFILE", "5:4" },
                { "LimitNOFILE", "infinity:4" }, { "LimitNICE", "0" }, { "LimitNICE", "41" },
                { "LimitNICE", "+20" }, { "LimitNICE", "-21" }, { "LimitCPU", "x" }, { "LimitAS", "50%" } };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                RuntimeLimit limit = { 0 };

                g_assert_cmpint(limit_parse(bad[i].key, bad[i].value, &limit, &fault), ==, -EINVAL);
                g_assert_nonnull(strstr(fault_text(&fault), bad[i].key));
                g_assert_false(limit.set);
        }
}

static void test_names_and_numbers_of_users_are_told_from_other_texts(void)
{
        static const char *const good[] = { "agents", "root", "_x", "a-b.c", "0", "1000", "DOMAIN\\user",
                "user@example.org", "\xc3\xa9mile", "65534" };
        static const char *const bad[] = { "", "-x", "+x", ".x", "~", "a b", "a:b", "a/b", "a,b", "a\tb",
                "1x", "4294967295", "65535", "99999999999", "-1" };

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(user_name_is_valid(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(user_name_is_valid(bad[i]));
}

static bool is_service(const char *user, const char *passwd)
{
        _cleanup_fclose_ FILE *f = fmemopen((void *)passwd, strlen(passwd), "r");

        g_assert_nonnull(f);
        return user_is_service(user, f);
}

static void test_the_services_user_is_known_by_name_number_and_alias(void)
{
        static const char passwd[] = "root:x:0:0::/root:/bin/sh\n"
                                     "alias:x:991:991::/:/bin/sh\n"
                                     "agenthost:x:991:991::/:/bin/false\n"
                                     "agents:x:992:992::/:/bin/sh\n";
        static const char without[] = "root:x:0:0::/root:/bin/sh\n";

        g_assert_true(is_service("agenthost", passwd));
        g_assert_true(is_service("991", passwd));
        g_assert_true(is_service("00991", passwd));
        g_assert_true(is_service("alias", passwd));
        g_assert_false(is_service("agents", passwd));
        g_assert_false(is_service("992", passwd));
        g_assert_false(is_service("root", passwd));
        g_assert_false(is_service("nobody-there", passwd));
        g_assert_true(is_service("agenthost", without));
        g_assert_false(is_service("991", without));
}

static void test_assignments_replace_those_of_the_same_name_only(void)
{
        static const char *const expected[] = { "A=3", "AB=2", NULL };
        _cleanup_strv_free_ char **l = NULL;

        g_assert_cmpint(environment_set(&l, "A=1"), ==, 0);
        g_assert_cmpint(environment_set(&l, "AB=2"), ==, 0);
        g_assert_cmpint(environment_set(&l, "A=3"), ==, 0);
        g_assert_cmpstrv(l, expected);
}

static void test_names_of_variables_are_identifiers(void)
{
        g_assert_cmpuint(environment_name_length("A=1"), ==, 1);
        g_assert_cmpuint(environment_name_length("_a1="), ==, 3);
        g_assert_cmpuint(environment_name_length("A==="), ==, 1);
        g_assert_cmpuint(environment_name_length(""), ==, 0);
        g_assert_cmpuint(environment_name_length("=x"), ==, 0);
        g_assert_cmpuint(environment_name_length("A"), ==, 0);
        g_assert_cmpuint(environment_name_length("1A=x"), ==, 0);
        g_assert_cmpuint(environment_name_length("A-B=x"), ==, 0);
        g_assert_cmpuint(environment_name_length("A B=x"), ==, 0);
        g_assert_cmpuint(environment_name_length("\xc3\xa9=x"), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/limit/units", test_limits_have_the_units_of_systemd);
        g_test_add_func("/limit/keys", test_every_resource_of_the_kernel_has_a_key);
        g_test_add_func("/limit/refused", test_bad_limits_are_refused);
        g_test_add_func("/user/names", test_names_and_numbers_of_users_are_told_from_other_texts);
        g_test_add_func("/user/service", test_the_services_user_is_known_by_name_number_and_alias);
        g_test_add_func("/environment/set", test_assignments_replace_those_of_the_same_name_only);
        g_test_add_func("/environment/names", test_names_of_variables_are_identifiers);
        return g_test_run();
}
