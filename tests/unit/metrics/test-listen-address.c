/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ListenAddress= of metrics. */

#include <glib.h>

#include "listen-address.h"

static void test_addresses_are_read(void)
{
        static const struct {
                const char *text, *host;
                unsigned port;
                bool is_loopback;
        } cases[] = {
                { "9464", "127.0.0.1", 9464, true },
                { "127.0.0.1:1", "127.0.0.1", 1, true },
                { "127.9.8.7:65535", "127.9.8.7", 65535, true },
                { "[::1]:9464", "::1", 9464, true },
                { "0.0.0.0:9464", "0.0.0.0", 9464, false },
                { "192.0.2.7:9464", "192.0.2.7", 9464, false },
                { "128.0.0.1:9464", "128.0.0.1", 9464, false },
                { "[::]:9464", "::", 9464, false },
                { "[2001:db8::1]:9464", "2001:db8::1", 9464, false },
                { "[::ffff:127.0.0.1]:9464", "::ffff:127.0.0.1", 9464, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_listen_address_ ListenAddress a = { 0 };
                _cleanup_free_ char *text = NULL;

                g_assert_cmpint(listen_address_parse(cases[i].text, &a, NULL), ==, 0);
                g_assert_cmpstr(a.host, ==, cases[i].host);
                g_assert_cmpuint(a.port, ==, cases[i].port);
                g_assert_cmpint(a.is_loopback, ==, cases[i].is_loopback);
                text = listen_address_format(&a);
                g_assert_true(g_str_has_suffix(text, cases[i].text));
        }
}

static void test_what_is_no_address_is_refused(void)
{
        static const char *const texts[] = { "", ":", "0", "65536", "127.0.0.1", "127.0.0.1:", ":9464",
                "127.0.0.1:0", "localhost:9464", "::1", "::1:9464", "[127.0.0.1]:9464x", "[]:9464",
                "[::1:9464", "127.1:9464", "127.0.0.1 :9464", "*:9464", "127.0.0.1:+1" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_listen_address_ ListenAddress a = { 0 };
                _cleanup_fault_ Fault fault = FAULT_INIT;

                if (listen_address_parse(texts[i], &a, &fault) >= 0)
                        g_error("'%s' was taken", texts[i]);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                g_assert_nonnull(g_strstr_len(fault_text(&fault), -1, "127.0.0.1:9464"));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/metrics/listen-address/addresses-are-read", test_addresses_are_read);
        g_test_add_func(
                "/metrics/listen-address/what-is-no-address-is-refused", test_what_is_no_address_is_refused);
        return g_test_run();
}
