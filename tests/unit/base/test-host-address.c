/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "host-address.h"

static void test_addresses_are_host_and_port(void)
{
        static const char *const good[] = {
                "agent-host-0:50051",
                "10.0.0.1:1",
                "a.example.org:65535",
                "[fd00::1]:50051",
                "[::]:50051",
                "[::ffff:10.0.0.1]:50051",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                g_assert_true(host_address_is_valid(good[i]));
                g_assert_cmpint(host_address_check(good[i], NULL), ==, 0);
        }
}

static void test_anything_else_is_refused_with_its_text(void)
{
        static const char *const bad[] = {
                "",
                ":",
                "nocolon",
                ":50051",
                "a:",
                "a:0",
                "a:65536",
                "a:-1",
                "a:+1",
                "a:1x",
                "a: 1",
                "a:99999999999999999999",
                "a b:1",
                "a_b:1",
                "a:b:1",
                "a/b:1",
                "h\xc3\xb6st:1",
                "fd00::1",
                "fd00::1:50051",
                "[fd00::1]",
                "[fd00::1]50051",
                "[fd00::1:50051",
                "[]:1",
                "[a]:1",
                "[10.0.0.1]:1",
                "[fe80::1%eth0]:1",
                "[[::1]]:1",
                "a:1\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                g_autofree char *begin = g_strdup_printf("Invalid host address format: '%s'; ", bad[i]);

                g_assert_false(host_address_is_valid(bad[i]));
                g_assert_cmpint(host_address_check(bad[i], &fault), ==, -EINVAL);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                g_assert_true(g_str_has_prefix(fault_text(&fault), begin));
        }
}

static void test_hostnames_have_a_longest_one(void)
{
        g_autofree char *longest = g_strnfill(HOSTNAME_BYTES_MAX, 'a');
        g_autofree char *longer = g_strnfill(HOSTNAME_BYTES_MAX + 1, 'a');
        g_autofree char *address = g_strconcat(longest, ":1", NULL);
        g_autofree char *too_long = g_strconcat(longer, ":1", NULL);

        g_assert_true(hostname_is_valid(longest));
        g_assert_true(host_address_is_valid(address));
        g_assert_false(hostname_is_valid(longer));
        g_assert_false(host_address_is_valid(too_long));
        g_assert_false(hostname_is_valid(""));
}

static void test_hostname_is_what_stands_before_the_port(void)
{
        g_assert_cmpuint(host_address_hostname_length("host-1:50051"), ==, 6);
        g_assert_cmpuint(host_address_hostname_length("[fd00::1]:50051"), ==, 9);
        g_assert_cmpuint(host_address_port("host-1:50051"), ==, 50051);
        g_assert_cmpuint(host_address_port("[fd00::1]:1"), ==, 1);
        g_assert_cmpuint(host_address_port("host-1"), ==, 0);
}

static void test_host_is_the_same_whatever_its_port(void)
{
        g_assert_true(host_address_is_same_host("a:1", "a:2"));
        g_assert_true(host_address_is_same_host("[::1]:1", "[::1]:2"));
        g_assert_false(host_address_is_same_host("a:1", "b:1"));
        g_assert_false(host_address_is_same_host("a:1", "aa:1"));
        g_assert_false(host_address_is_same_host("aa:1", "a:1"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/host-address/addresses-are-host-and-port", test_addresses_are_host_and_port);
        g_test_add_func("/host-address/anything-else-is-refused-with-its-text",
                test_anything_else_is_refused_with_its_text);
        g_test_add_func("/host-address/hostnames-have-a-longest-one", test_hostnames_have_a_longest_one);
        g_test_add_func("/host-address/hostname-is-what-stands-before-the-port",
                test_hostname_is_what_stands_before_the_port);
        g_test_add_func(
                "/host-address/host-is-the-same-whatever-its-port", test_host_is_the_same_whatever_its_port);
        return g_test_run();
}
