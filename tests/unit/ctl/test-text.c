/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <glib.h>
#include <string.h>

#include "term.h"

static void expect_clean(const char *text, size_t length, const char *expected)
{
        g_autofree char *clean = text_clean(text, length, false);

        g_assert_cmpstr(clean, ==, expected);
}

static void test_text_for_people_is_kept(void)
{
        expect_clean("grüß Gott 👋", strlen("grüß Gott 👋"), "grüß Gott 👋");
        expect_clean("", 0, "");
}

/* Names and log lines are written by agents: they must not drive the terminal. */
static void test_what_a_terminal_would_obey_is_spelled_out(void)
{
        expect_clean("\033[31m", 5, "\\x1b[31m");
        expect_clean("a\tb\nc", 5, "a\\x09b\\x0ac");
        expect_clean("\x7f", 1, "\\x7f");
        expect_clean("\xc2\x9b", 2, "\\xc2\\x9b");
        expect_clean("a\0b", 3, "a\\x00b");
        /* Right-to-left override. */
        expect_clean("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
}

static void test_bytes_that_are_no_utf8_are_spelled_out(void)
{
        expect_clean("a\xff", 2, "a\\xff");
        expect_clean("\xc3", 1, "\\xc3");
}

static void test_tabs_are_kept_where_that_is_wanted(void)
{
        g_autofree char *clean = text_clean("a\tb", 3, true);

        g_assert_cmpstr(clean, ==, "a\tb");
}

static void test_width_is_in_columns(void)
{
        g_assert_cmpuint(text_width(""), ==, 0);
        g_assert_cmpuint(text_width("grüß"), ==, 4);
        g_assert_cmpuint(text_width("👋"), ==, 2);
        g_assert_cmpuint(text_width("e\xcc\x81"), ==, 1);
}

static void expect_fit(const char *text, unsigned width, const char *expected)
{
        g_autofree char *fitted = text_fit(text, width);

        g_assert_cmpstr(fitted, ==, expected);
}

static void test_what_is_too_long_ends_in_an_ellipsis(void)
{
        term_force(false, true, 80);
        expect_fit("agent", 5, "agent");
        expect_fit("agents", 5, "agen…");
        expect_fit("agents", 1, "…");
        /* A wide one is not cut into halves. */
        expect_fit("a👋👋b", 4, "a👋…");
        expect_fit("👋👋b", 4, "👋…");
        term_force(false, false, 80);
        expect_fit("agents12", 5, "ag...");
        expect_fit("agents12", 2, "ag");
}

static void expect_age(uint64_t usec, uint64_t now, const char *expected)
{
        g_autofree char *text = text_of_age(usec, now);

        g_assert_cmpstr(text, ==, expected);
}

static void test_ages_have_two_units(void)
{
        const uint64_t now = UINT64_C(1000000) * USEC_PER_SEC;

        expect_age(now, now, "0s ago");
        expect_age(now - 59 * USEC_PER_SEC, now, "59s ago");
        expect_age(now - 60 * USEC_PER_SEC, now, "1min ago");
        expect_age(now - 150 * USEC_PER_SEC, now, "2min 30s ago");
        expect_age(now - 3600 * USEC_PER_SEC, now, "1h ago");
        expect_age(now - 90000 * USEC_PER_SEC, now, "1d 1h ago");
        expect_age(now + 5 * USEC_PER_SEC, now, "in 5s");
}

static void test_sizes_and_times_have_units(void)
{
        g_autofree char *bytes = text_of_size(1023),
                        *mega = text_of_size(UINT64_C(12) * 1024 * 1024 + 512 * 1024),
                        *max = text_of_size(UINT64_MAX), *ms = text_of_cpu(1471000),
                        *s = text_of_cpu(UINT64_C(2345000000)), *min = text_of_cpu(UINT64_C(90000000000));

        g_assert_cmpstr(bytes, ==, "1023B");
        g_assert_cmpstr(mega, ==, "12.5M");
        g_assert_cmpstr(max, ==, "15.9E");
        g_assert_cmpstr(ms, ==, "1ms");
        g_assert_cmpstr(s, ==, "2.345s");
        g_assert_cmpstr(min, ==, "1min 30s");
}

static void test_times_are_written_as_systemd_does(void)
{
        g_autofree char *text = NULL;

        g_setenv("TZ", "UTC", true);
        text = text_of_time(UINT64_C(1795568052) * USEC_PER_SEC);
        g_assert_cmpstr(text, ==, "Wed 2026-11-25 00:54:12 UTC");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/text/" name, test_##function)
        ADD("text-for-people-is-kept", text_for_people_is_kept);
        ADD("what-a-terminal-would-obey-is-spelled-out", what_a_terminal_would_obey_is_spelled_out);
        ADD("bytes-that-are-no-utf8-are-spelled-out", bytes_that_are_no_utf8_are_spelled_out);
        ADD("tabs-are-kept-where-that-is-wanted", tabs_are_kept_where_that_is_wanted);
        ADD("width-is-in-columns", width_is_in_columns);
        ADD("what-is-too-long-ends-in-an-ellipsis", what_is_too_long_ends_in_an_ellipsis);
        ADD("ages-have-two-units", ages_have_two_units);
        ADD("sizes-and-times-have-units", sizes_and_times_have_units);
        ADD("times-are-written-as-systemd-does", times_are_written_as_systemd_does);
#undef ADD

        return g_test_run();
}
