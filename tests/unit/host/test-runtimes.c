/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtimes.h"

#include <string.h>

#include "log.h"
#include "test-message.h"

static char *runtimes_dirs[] = { (char *)"/first/runtimes.d", (char *)"/second/runtimes.d", NULL };

/* Two runtimes as the launcher tells them, and a refused file. */
static Runtimes *two_runtimes(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = test_message_new();
        Runtimes *runtimes = NULL;

        g_assert_cmpint(
                sd_bus_message_append(m, "a(sa{sv})as", 2, "echo", 14, "Match", "as", 1, "*.EchoAgent",
                        "Type", "s", "notify", "StartTimeoutUSec", "t", UINT64_C(30000000),
                        "StopTimeoutUSec", "t", UINT64_C(10000000), "WatchdogUSec", "t", UINT64_C(7),
                        "Restart", "s", "on-failure", "RestartUSec", "t", UINT64_C(8), "RestartMaxUSec", "t",
                        UINT64_C(9), "Unheard", "(is)", 1, "of", "File", "s", "/etc/echo.runtime",
                        "Executable", "s", "/bin/echo", "User", "s", "agents", "AllowEnvironment", "as", 1,
                        "A*", "UnitProperties", "as", 2, "MemoryMax", "OOMPolicy", "rest", 3, "Match", "as",
                        2, "rustic.*", "*Agent", "Type", "s", "exec", "ClientTypes", "as", 2, "First",
                        "Second", 1, "/etc/x.runtime:3: Unknown key 'Exce'"),
                >=, 0);
        test_message_seal(m);
        g_assert_cmpint(runtimes_read(m, &runtimes), ==, 0);
        return runtimes;
}

static const RuntimeInfo *pick(
        const Runtimes *l, const char *name, const char *class_name, const char *default_name)
{
        static const Paths paths = { .systemctl = "systemctl", .runtimes_dirs = runtimes_dirs };
        const Config config = { .default_runtime = (char *)default_name };
        const RuntimeInfo *found = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (runtimes_pick(l, name, class_name, &config, &paths, &found, &fault) < 0)
                g_assert_cmpint(fault.kind, ==, FAULT_NO_SUCH_RUNTIME);
        return found;
}

static void test_what_the_launcher_tells_is_read(void)
{
        _cleanup_(runtimes_freep) Runtimes *l = two_runtimes();
        const RuntimeInfo *echo = pick(l, "echo", "", NULL), *rest = pick(l, "rest", "", NULL);

        g_assert_cmpuint(runtimes_count(l), ==, 2);
        g_assert_true(echo->notify);
        g_assert_cmpuint(echo->start_timeout_usec, ==, 30000000);
        g_assert_cmpuint(echo->stop_timeout_usec, ==, 10000000);
        g_assert_cmpuint(echo->watchdog_usec, ==, 7);
        g_assert_cmpint(echo->restart, ==, RESTART_ON_FAILURE);
        g_assert_cmpuint(echo->restart_usec, ==, 8);
        g_assert_cmpuint(echo->restart_max_usec, ==, 9);
        g_assert_cmpint(rest->restart, ==, RESTART_NO);
        g_assert_false(rest->notify);
        g_assert_cmpstr(rest->client_types[1], ==, "Second");

        g_assert_true(runtimes_get(l, 1) == rest);
        g_assert_cmpuint(runtimes_count_refused(l), ==, 1);
        g_assert_cmpstr(echo->file, ==, "/etc/echo.runtime");
        g_assert_cmpstr(echo->executable, ==, "/bin/echo");
        g_assert_cmpstr(echo->user, ==, "agents");
        g_assert_cmpstr(echo->allow_environment[0], ==, "A*");
        g_assert_cmpstr(echo->unit_properties[1], ==, "OOMPolicy");
        g_assert_null(rest->file);
}

static void test_name_wins_then_first_match_then_default(void)
{
        _cleanup_(runtimes_freep) Runtimes *l = two_runtimes();

        g_assert_cmpstr(pick(l, "rest", "x.EchoAgent", "echo")->name, ==, "rest");
        g_assert_cmpstr(pick(l, NULL, "x.EchoAgent", NULL)->name, ==, "echo");
        g_assert_cmpstr(pick(l, NULL, "x.OtherAgent", NULL)->name, ==, "rest");
        g_assert_cmpstr(pick(l, NULL, "nothing", "echo")->name, ==, "echo");
        g_assert_null(pick(l, NULL, "nothing", NULL));
        g_assert_null(pick(l, NULL, "nothing", "gone"));
        g_assert_null(pick(l, "../echo", "x.EchoAgent", "echo"));
        g_assert_null(pick(NULL, "echo", "", NULL));
}

static void test_unknown_runtime_is_named_with_what_to_do(void)
{
        _cleanup_(runtimes_freep) Runtimes *l = two_runtimes();
        const Paths paths = { .systemctl = "systemctl --user", .runtimes_dirs = runtimes_dirs };
        const Config config = { 0 };
        const RuntimeInfo *found;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(runtimes_pick(l, "ecco", "", &config, &paths, &found, &fault), ==, -ENOENT);
        g_assert_nonnull(strstr(fault_text(&fault), "No runtime 'ecco'"));
        g_assert_nonnull(strstr(fault_text(&fault), "/first/runtimes.d"));
        g_assert_nonnull(strstr(fault_text(&fault), "'systemctl --user reload agenthostd.service'"));
}

static void assert_client_type(
        const RuntimeInfo *runtime, const char *asked, const char *expected, bool expected_fallback)
{
        const Config config = { 0 };
        const char *type;
        bool fallback;

        g_assert_cmpint(runtime_pick_client_type(runtime, asked, &config, &type, &fallback, NULL), ==, 0);
        g_assert_cmpstr(type, ==, expected);
        g_assert_cmpint(fallback, ==, expected_fallback);
}

static void test_client_type_falls_back_to_the_runtimes_first(void)
{
        _cleanup_(runtimes_freep) Runtimes *l = two_runtimes();
        const RuntimeInfo *any = pick(l, "echo", "", NULL), *two = pick(l, "rest", "", NULL);

        assert_client_type(any, NULL, "MessageTrackingClient", false);
        assert_client_type(any, "Mine", "Mine", false);
        assert_client_type(two, NULL, "First", false);
        assert_client_type(two, "Second", "Second", false);
        assert_client_type(two, "Third", "First", true);
}

static void test_unknown_client_type_can_be_an_error(void)
{
        _cleanup_(runtimes_freep) Runtimes *l = two_runtimes();
        const Config config = { .unknown_client_type = UNKNOWN_CLIENT_TYPE_REJECT };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *type;
        bool fallback;

        g_assert_cmpint(runtime_pick_client_type(
                                pick(l, "rest", "", NULL), "Third", &config, &type, &fallback, &fault),
                ==, -EINVAL);
        g_assert_cmpstr(fault_text(&fault), ==,
                "client_type 'Third' is not one of ClientTypes= of runtime 'rest'; the first of these is 'First'");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_level(LOG_CRIT);
        g_test_add_func("/runtimes/what-the-launcher-tells-is-read", test_what_the_launcher_tells_is_read);
        g_test_add_func("/runtimes/name-wins-then-first-match-then-default",
                test_name_wins_then_first_match_then_default);
        g_test_add_func("/runtimes/unknown-one-is-named-with-what-to-do",
                test_unknown_runtime_is_named_with_what_to_do);
        g_test_add_func("/runtimes/client-type-falls-back-to-the-runtimes-first",
                test_client_type_falls_back_to_the_runtimes_first);
        g_test_add_func(
                "/runtimes/unknown-client-type-can-be-an-error", test_unknown_client_type_can_be_an_error);
        return g_test_run();
}
