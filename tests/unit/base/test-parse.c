/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse.h"

#include <glib.h>
#include <signal.h>

static void test_numbers_are_whole_texts_within_bounds(void)
{
        static const char *const bad[] = { "", "80x", "+80", "-1", " 80", "80 ", "0x50", "8_0", "1.0",
                "\xd9\xa3" };
        uint64_t value = 7;
        unsigned small = 7;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_assert_cmpint(parse_uint64(bad[i], 0, UINT64_MAX, &value), ==, -EINVAL);
                g_assert_cmpint(parse_uint(bad[i], 0, UINT_MAX, &small), ==, -EINVAL);
        }
        g_assert_cmpuint(value, ==, 7);
        g_assert_cmpuint(small, ==, 7);

        g_assert_cmpint(parse_uint("1", 1, 65535, &small), ==, 0);
        g_assert_cmpint(parse_uint("65535", 1, 65535, &small), ==, 0);
        g_assert_cmpuint(small, ==, 65535);
        g_assert_cmpint(parse_uint("0", 1, 65535, &small), ==, -ERANGE);
        g_assert_cmpint(parse_uint("65536", 1, 65535, &small), ==, -ERANGE);
        g_assert_cmpint(parse_uint("007", 1, 65535, &small), ==, 0);
        g_assert_cmpuint(small, ==, 7);
}

static void test_numbers_do_not_overflow(void)
{
        uint64_t value;

        g_assert_cmpint(parse_uint64("18446744073709551615", 0, UINT64_MAX, &value), ==, 0);
        g_assert_cmpuint(value, ==, UINT64_MAX);
        g_assert_cmpint(parse_uint64("18446744073709551616", 0, UINT64_MAX, &value), ==, -ERANGE);
        g_assert_cmpint(parse_uint64("99999999999999999999999", 0, UINT64_MAX, &value), ==, -ERANGE);
        g_assert_cmpint(parse_uint64("99999999999999999999999x", 0, UINT64_MAX, &value), ==, -EINVAL);
}

static void test_booleans_are_systemds(void)
{
        static const char *const yes[] = { "1", "yes", "YES", "y", "true", "T", "on" };
        static const char *const no[] = { "0", "no", "N", "false", "f", "Off" };
        static const char *const bad[] = { "", "2", "ye", "yess", "enable", "-1", "00" };
        bool b;

        for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
                b = false;
                g_assert_cmpint(parse_boolean(yes[i], &b), ==, 0);
                g_assert_true(b);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
                b = true;
                g_assert_cmpint(parse_boolean(no[i], &b), ==, 0);
                g_assert_false(b);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(parse_boolean(bad[i], &b), ==, -EINVAL);
}

static void test_time_spans_are_systemds(void)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = { { "0", 0 }, { "30", 30 * USEC_PER_SEC }, { "1min 20s", 80 * USEC_PER_SEC },
                { "1min20s", 80 * USEC_PER_SEC }, { "500ms", 500000 }, { "1.5h", 5400 * USEC_PER_SEC },
                { "0.5", 500000 }, { "2 s", 2000000 }, { "3us", 3 }, { "1d", 86400 * USEC_PER_SEC },
                { "1w", 604800 * USEC_PER_SEC }, { "1M", 2629800 * USEC_PER_SEC },
                { "1m", 60 * USEC_PER_SEC }, { " 5 ", 5 * USEC_PER_SEC },
                { "1y", UINT64_C(31557600) * USEC_PER_SEC }, { "1.123456789s", 1123456 },
                { "infinity", USEC_INFINITY }, { "1h 1min 1s 1ms 1us", 3661001001 },
                { "20 minutes", 1200 * USEC_PER_SEC }, { "7 \xc2\xb5s", 7 } };
        static const char *const bad[] = { "", " ", "x", "-1", "+1", "1x", "1 sx", "1..5", "1.", "s", "1ss",
                ".5", "infinityx", "5 infinity", "1,5", "0x10", "1e3" };
        uint64_t usec;

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_assert_cmpint(parse_sec(good[i].text, &usec), ==, 0);
                g_assert_cmpuint(usec, ==, good[i].usec);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(parse_sec(bad[i], &usec), ==, -EINVAL);
}

static void test_time_spans_do_not_overflow(void)
{
        uint64_t usec;

        g_assert_cmpint(parse_sec("18446744073709551614us", &usec), ==, 0);
        g_assert_cmpint(parse_sec("18446744073709551615us", &usec), ==, -ERANGE);
        g_assert_cmpint(parse_sec("18446744073709", &usec), ==, 0);
        g_assert_cmpint(parse_sec("18446744073710", &usec), ==, -ERANGE);
        g_assert_cmpint(parse_sec("584555y", &usec), ==, -ERANGE);
        g_assert_cmpint(parse_sec("300000y 300000y", &usec), ==, -ERANGE);
        g_assert_cmpint(parse_sec("584555y x", &usec), ==, -EINVAL);
}

static void test_sizes_have_one_suffix(void)
{
        static const char *const bad[] = { "", "K", "-1", "+1", "1k", "1KB", "1KK", "1 K", "1.", ".5G",
                "0x1", "infinit", "50%", "1Ki" };
        uint64_t size;

        g_assert_cmpint(parse_size("0", &size), ==, 0);
        g_assert_cmpuint(size, ==, 0);
        g_assert_cmpint(parse_size("17B", &size), ==, 0);
        g_assert_cmpuint(size, ==, 17);
        g_assert_cmpint(parse_size("512M", &size), ==, 0);
        g_assert_cmpuint(size, ==, UINT64_C(512) << 20);
        g_assert_cmpint(parse_size("1.5G", &size), ==, 0);
        g_assert_cmpuint(size, ==, UINT64_C(1536) << 20);
        g_assert_cmpint(parse_size("0.1K", &size), ==, 0);
        g_assert_cmpuint(size, ==, 102);
        g_assert_cmpint(parse_size("15E", &size), ==, 0);
        g_assert_cmpuint(size, ==, UINT64_C(15) << 60);
        g_assert_cmpint(parse_size("15.999999999E", &size), ==, 0);
        g_assert_cmpint(parse_size("16E", &size), ==, -ERANGE);
        g_assert_cmpint(parse_size("18446744073709551615", &size), ==, -ERANGE);
        g_assert_cmpint(parse_size("infinity", &size), ==, 0);
        g_assert_cmpuint(size, ==, UINT64_MAX);

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(parse_size(bad[i], &size), ==, -EINVAL);
}

static void test_rates_are_to_the_base_of_1000(void)
{
        uint64_t size;

        g_assert_cmpint(parse_size_si("5M", &size), ==, 0);
        g_assert_cmpuint(size, ==, 5000000);
        g_assert_cmpint(parse_size_si("1.5K", &size), ==, 0);
        g_assert_cmpuint(size, ==, 1500);
}

static void test_percentages_have_two_decimals(void)
{
        static const char *const bad[] = { "", "%", "12", "12 %", "-1%", "+1%", "1.%", ".5%", "1.234%",
                "12%%", "1%x" };
        uint64_t value;

        g_assert_cmpint(parse_permyriad("12%", &value), ==, 0);
        g_assert_cmpuint(value, ==, 1200);
        g_assert_cmpint(parse_permyriad("12.5%", &value), ==, 0);
        g_assert_cmpuint(value, ==, 1250);
        g_assert_cmpint(parse_permyriad("0.05%", &value), ==, 0);
        g_assert_cmpuint(value, ==, 5);
        g_assert_cmpint(parse_permyriad("0%", &value), ==, 0);
        g_assert_cmpuint(value, ==, 0);
        g_assert_cmpint(parse_permyriad("400%", &value), ==, 0);
        g_assert_cmpuint(value, ==, 40000);
        g_assert_cmpint(parse_permyriad("18446744073709551615%", &value), ==, -ERANGE);

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(parse_permyriad(bad[i], &value), ==, -EINVAL);
}

static void test_modes_are_octal(void)
{
        mode_t mode;

        g_assert_cmpint(parse_mode("0022", &mode), ==, 0);
        g_assert_cmpuint(mode, ==, 0022);
        g_assert_cmpint(parse_mode("7777", &mode), ==, 0);
        g_assert_cmpint(parse_mode("10000", &mode), ==, -ERANGE);
        g_assert_cmpint(parse_mode("77777777777777777777777", &mode), ==, -ERANGE);
        g_assert_cmpint(parse_mode("", &mode), ==, -EINVAL);
        g_assert_cmpint(parse_mode("8", &mode), ==, -EINVAL);
        g_assert_cmpint(parse_mode("-1", &mode), ==, -EINVAL);
        g_assert_cmpint(parse_mode("22x", &mode), ==, -EINVAL);
}

static void test_signals_have_names_and_numbers(void)
{
        static const char *const bad[] = { "", "SIG", "sigterm", "TERMX", "SIGSIGTERM", "-9", "SIGRTMIN",
                "RTMIN+x" };
        int number;

        g_assert_cmpint(parse_signal("SIGTERM", &number), ==, 0);
        g_assert_cmpint(number, ==, SIGTERM);
        g_assert_cmpint(parse_signal("INT", &number), ==, 0);
        g_assert_cmpint(number, ==, SIGINT);
        g_assert_cmpint(parse_signal("9", &number), ==, 0);
        g_assert_cmpint(number, ==, SIGKILL);
        g_assert_cmpint(parse_signal("SIGRTMIN+3", &number), ==, 0);
        g_assert_cmpint(number, ==, SIGRTMIN + 3);
        g_assert_cmpint(parse_signal("0", &number), ==, -ERANGE);
        g_assert_cmpint(parse_signal("65", &number), ==, -ERANGE);
        g_assert_cmpint(parse_signal("RTMIN+99", &number), ==, -ERANGE);
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(parse_signal(bad[i], &number), ==, -EINVAL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/parse/uint", test_numbers_are_whole_texts_within_bounds);
        g_test_add_func("/parse/uint-overflow", test_numbers_do_not_overflow);
        g_test_add_func("/parse/boolean", test_booleans_are_systemds);
        g_test_add_func("/parse/sec", test_time_spans_are_systemds);
        g_test_add_func("/parse/sec-overflow", test_time_spans_do_not_overflow);
        g_test_add_func("/parse/size", test_sizes_have_one_suffix);
        g_test_add_func("/parse/size-si", test_rates_are_to_the_base_of_1000);
        g_test_add_func("/parse/permyriad", test_percentages_have_two_decimals);
        g_test_add_func("/parse/mode", test_modes_are_octal);
        g_test_add_func("/parse/signal", test_signals_have_names_and_numbers);
        return g_test_run();
}
