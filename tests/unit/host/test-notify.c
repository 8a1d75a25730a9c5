/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <glib.h>

#include "notify.h"

static NotifyMessage parse(char *text)
{
        NotifyMessage m;

        notify_parse(text, strlen(text), &m);
        return m;
}

static void test_assignments_are_found_in_any_order(void)
{
        char text[] = "STATUS=Loading 3 of 7\nREADY=1\nX_OTHER=ignored\nMAINPID=17\nSTOPPING=1";
        NotifyMessage m = parse(text);

        g_assert_true(m.ready);
        g_assert_true(m.stopping);
        g_assert_true(m.main_pid);
        g_assert_cmpstr(m.status, ==, "Loading 3 of 7");
}

static void test_only_the_exact_assignment_counts(void)
{
        char text[] = "READY=0\nREADY=12\n READY=1\nready=1\nSTOPPING=\n";
        NotifyMessage m = parse(text);

        g_assert_false(m.ready);
        g_assert_false(m.stopping);
        g_assert_null(m.status);
}

static void test_an_empty_message_says_nothing(void)
{
        char text[] = "";
        NotifyMessage m = parse(text);

        g_assert_false(m.ready || m.stopping || m.main_pid);
        g_assert_null(m.status);
}

static void test_status_loses_control_characters_and_broken_utf8(void)
{
        char text[] = "STATUS=a\tb\x1b[31m gr\xc3\xbc\xc3\x9f \xff rest",
             c1[] = "STATUS=\xc2\x9b"
                    "31m\x7f",
             noncharacter[] = "STATUS=a\xef\xbf\xbf"
                              "b";
        NotifyMessage m = parse(text);

        g_assert_cmpstr(m.status, ==, "a b [31m gr\xc3\xbc\xc3\x9f ");
        m = parse(c1);
        g_assert_cmpstr(m.status, ==, "  31m ");
        m = parse(noncharacter);
        g_assert_cmpstr(m.status, ==, "a   b");
}

static void test_long_status_is_cut_at_a_whole_character(void)
{
        g_autoptr(GString) text = g_string_new("STATUS=");
        NotifyMessage m;

        for (int i = 0; i < 511; i++)
                g_string_append_c(text, 'x');
        g_string_append(text, "\xc3\xbc");
        m = parse(text->str);
        g_assert_cmpuint(strlen(m.status), ==, NOTIFY_STATUS_MAX - 1);
        g_assert_true(g_utf8_validate(m.status, -1, NULL));
}

static void test_watchdog_and_extension_are_read(void)
{
        char text[] = "WATCHDOG=1\nWATCHDOG_USEC=2500000\nEXTEND_TIMEOUT_USEC=10";
        char trigger[] = "WATCHDOG=trigger", off[] = "WATCHDOG_USEC=0";
        NotifyMessage m = parse(text);

        g_assert_true(m.watchdog && m.watchdog_set);
        g_assert_false(m.watchdog_trigger);
        g_assert_cmpuint(m.watchdog_usec, ==, 2500000);
        g_assert_cmpuint(m.extend_usec, ==, 10);
        g_assert_null(m.bad);

        m = parse(trigger);
        g_assert_true(m.watchdog_trigger);
        g_assert_false(m.watchdog || m.watchdog_set);
        m = parse(off);
        g_assert_true(m.watchdog_set);
        g_assert_cmpuint(m.watchdog_usec, ==, 0);
}

static void test_bad_times_count_for_nothing_and_are_named(void)
{
        static const char *const values[] = { "", "-1", "+1", " 1", "1s", "0x10", "18446744073709551616",
                "infinity" };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                g_autofree char *extend = g_strconcat("EXTEND_TIMEOUT_USEC=", values[i], NULL);
                g_autofree char *watchdog = g_strconcat("WATCHDOG_USEC=", values[i], NULL);
                NotifyMessage m = parse(extend);

                g_assert_cmpuint(m.extend_usec, ==, 0);
                g_assert_cmpstr(m.bad, ==, extend);
                m = parse(watchdog);
                g_assert_false(m.watchdog_set);
                g_assert_cmpstr(m.bad, ==, watchdog);
        }
}

static void test_other_words_for_the_watchdog_are_none(void)
{
        char text[] = "WATCHDOG=0\nWATCHDOG=triggered\nWATCHDOG=\nWATCHDOG=11";
        NotifyMessage m = parse(text);

        g_assert_false(m.watchdog || m.watchdog_trigger || m.watchdog_set);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/notify/assignments-are-found-in-any-order", test_assignments_are_found_in_any_order);
        g_test_add_func("/notify/only-the-exact-assignment-counts", test_only_the_exact_assignment_counts);
        g_test_add_func("/notify/an-empty-message-says-nothing", test_an_empty_message_says_nothing);
        g_test_add_func("/notify/status-loses-control-characters-and-broken-utf8",
                test_status_loses_control_characters_and_broken_utf8);
        g_test_add_func("/notify/long-status-is-cut-at-a-whole-character",
                test_long_status_is_cut_at_a_whole_character);
        g_test_add_func("/notify/watchdog-and-extension-are-read", test_watchdog_and_extension_are_read);
        g_test_add_func("/notify/bad-times-count-for-nothing-and-are-named",
                test_bad_times_count_for_nothing_and_are_named);
        g_test_add_func(
                "/notify/other-words-for-the-watchdog-are-none", test_other_words_for_the_watchdog_are_none);
        return g_test_run();
}
