/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exits.h"

#include <signal.h>

#include <glib.h>

static void test_wait_status_gives_the_result(void)
{
        static const struct {
                int code, status;
                const char *result;
        } cases[] = {
                { CLD_EXITED, 0, "success" },
                { CLD_EXITED, 1, "exit-code" },
                { CLD_KILLED, SIGTERM, "signal" },
                { CLD_DUMPED, SIGSEGV, "core-dump" },
                { 0, 0, "lost" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const ExitFacts facts = { .code = cases[i].code, .status = cases[i].status };

                g_assert_cmpstr(exit_result(&facts), ==, cases[i].result);
        }
}

static void test_scope_result_wins_over_wait_status(void)
{
        const ExitFacts facts = { .scope_result = "oom-kill", .code = CLD_KILLED, .status = SIGKILL };
        const ExitFacts unknown = { .scope_result = "timeout" };

        g_assert_cmpstr(exit_result(&facts), ==, "oom-kill");
        g_assert_cmpstr(exit_result(&unknown), ==, "timeout");
}

static void test_requested_stop_wins_over_all(void)
{
        const ExitFacts killed = {
                .requested = true, .scope_result = "timeout", .code = CLD_KILLED, .status = SIGKILL
        };
        const ExitFacts exited = { .requested = true, .code = CLD_EXITED, .status = 3 };

        g_assert_cmpstr(exit_result(&killed), ==, "success");
        g_assert_cmpstr(exit_result(&exited), ==, "success");
}

static void test_stop_signal_counts_only_where_it_means_to_end(void)
{
        g_assert_true(exit_is_by_stop(CLD_KILLED, SIGTERM, SIGTERM));
        g_assert_true(exit_is_by_stop(CLD_DUMPED, SIGQUIT, SIGQUIT));
        g_assert_false(exit_is_by_stop(CLD_KILLED, SIGINT, SIGTERM));
        g_assert_false(exit_is_by_stop(CLD_KILLED, SIGKILL, SIGKILL));
        g_assert_false(exit_is_by_stop(CLD_DUMPED, SIGABRT, SIGABRT));
        g_assert_false(exit_is_by_stop(CLD_EXITED, SIGTERM, SIGTERM));
        g_assert_false(exit_is_by_stop(0, 0, SIGTERM));
}

static void test_scope_results_are_known_words(void)
{
        g_assert_cmpstr(exit_intern_scope_result("oom-kill"), ==, "oom-kill");
        g_assert_cmpstr(exit_intern_scope_result("timeout"), ==, "timeout");
        g_assert_cmpstr(exit_intern_scope_result("something-new"), ==, "resources");
}

static void test_wait_status_of_the_kernel_is_read(void)
{
        int code, status;

        exit_from_wait_status(7 << 8, &code, &status);
        g_assert_cmpint(code, ==, CLD_EXITED);
        g_assert_cmpint(status, ==, 7);
        exit_from_wait_status(SIGKILL, &code, &status);
        g_assert_cmpint(code, ==, CLD_KILLED);
        g_assert_cmpint(status, ==, SIGKILL);
        exit_from_wait_status(SIGSEGV | 0x80, &code, &status);
        g_assert_cmpint(code, ==, CLD_DUMPED);
        g_assert_cmpint(status, ==, SIGSEGV);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/exits/wait_status_gives_the_result", test_wait_status_gives_the_result);
        g_test_add_func(
                "/exits/scope_result_wins_over_wait_status", test_scope_result_wins_over_wait_status);
        g_test_add_func("/exits/requested_stop_wins_over_all", test_requested_stop_wins_over_all);
        g_test_add_func("/exits/stop_signal_counts_only_where_it_means_to_end",
                test_stop_signal_counts_only_where_it_means_to_end);
        g_test_add_func("/exits/scope_results_are_known_words", test_scope_results_are_known_words);
        g_test_add_func("/exits/wait_status_of_the_kernel_is_read", test_wait_status_of_the_kernel_is_read);
        return g_test_run();
}
