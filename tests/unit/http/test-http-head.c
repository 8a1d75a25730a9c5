/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-head.h"

#include <glib.h>

#include "http-client.h"

#define NOW 1795000000 /* Wed, 18 Nov 2026 11:06:40 GMT */

static void test_retry_after_is_seconds_or_a_date(void)
{
        static const struct {
                const char *value;
                uint64_t sec;
        } cases[] = {
                { NULL, 0 },
                { "0", 0 },
                { "1", 1 },
                { "120", 120 },
                { "Wed, 18 Nov 2026 11:07:10 GMT", 30 },
                { "Wed, 18 Nov 2026 11:06:40 GMT", 0 },
                { "Wed, 18 Nov 2020 11:06:40 GMT", 0 },
                { "soon", 0 },
                { "", 0 },
                { "-5", 0 },
                { "1.5", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                g_assert_cmpuint(
                        http_parse_retry_after(cases[i].value, NOW), ==, cases[i].sec * USEC_PER_SEC);
}

static void test_retry_after_is_an_hour_at_most(void)
{
        static const char *const values[] = { "3601", "99999999999999999999999999",
                "Wed, 18 Nov 2099 11:06:40 GMT" };

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                g_assert_cmpuint(http_parse_retry_after(values[i], NOW), ==, RETRY_AFTER_MAX_USEC);
}

static void test_texts_are_escaped_for_urls(void)
{
        static const char *const cases[][2] = {
                { "agent-host_1.a~", "agent-host_1.a~" },
                { "a/b=c&d e+f%", "a%2Fb%3Dc%26d%20e%2Bf%25" },
                { "\xc3\xa9", "%C3%A9" },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *escaped = http_escape(cases[i][0]);

                g_assert_cmpstr(escaped, ==, cases[i][1]);
        }
}

#define ADD(name, test) g_test_add_func("/http-head/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("retry-after-is-seconds-or-a-date", test_retry_after_is_seconds_or_a_date);
        ADD("retry-after-is-an-hour-at-most", test_retry_after_is_an_hour_at_most);
        ADD("texts-are-escaped-for-urls", test_texts_are_escaped_for_urls);
        return g_test_run();
}
