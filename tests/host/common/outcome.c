/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outcome.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "host-state.h"
#include "mode.h"

/* What must happen in a test has a limit of its own (client.h): this is for what hangs beyond that. */
#define TEST_LIMIT_SEC 240u

void fail(const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        g_test_message("%s", text);
        fflush(stdout);
        _exit(EXIT_FAILURE);
}

void must(int r, const char *what)
{
        if (r < 0)
                fail("%s: %s", what, strerror(-r));
}

static const char *quoted(const char *text, char **buffer)
{
        *buffer = text ? g_strdup_printf("'%s'", text) : g_strdup("nothing");
        return *buffer;
}

void expect_text(const char *what, const char *expected, const char *got)
{
        g_autofree char *e = NULL, *g = NULL;

        if (g_strcmp0(expected, got) != 0)
                fail("%s: expected %s, got %s", what, quoted(expected, &e), quoted(got, &g));
}

void expect_part(const char *what, const char *expected_part, const char *got)
{
        g_autofree char *g = NULL;

        if (!got || !strstr(got, expected_part))
                fail("%s: expected something with '%s', got %s", what, expected_part, quoted(got, &g));
}

void expect_number(const char *what, int64_t expected, int64_t got)
{
        if (expected != got)
                fail("%s: expected %" PRIi64 ", got %" PRIi64, what, expected, got);
}

void expect_true(const char *what, bool got)
{
        if (!got)
                fail("%s: expected it to be so, it is not", what);
}

void expect_false(const char *what, bool got)
{
        if (got)
                fail("%s: expected it not to be so, it is", what);
}

/* Ends with exit(), so that a sanitizer looks for leaks. */
static _Noreturn void become(HostTest test)
{
        alarm(TEST_LIMIT_SEC);
        mode_enter();
        test();
        mode_leave();
        fflush(stdout);
        exit(EXIT_SUCCESS);
}

bool outcome_run_apart(const char *what, HostTest test)
{
        int status;
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid < 0)
                g_error("fork: %m");
        if (pid == 0)
                become(test);

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        g_error("waitpid: %m");
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
                g_test_message("%s: not done within %u s", what, TEST_LIMIT_SEC);
        else if (WIFSIGNALED(status))
                g_test_message("%s: ended by SIG%s", what, sigabbrev_np(WTERMSIG(status)));
        else if (WEXITSTATUS(status) != EXIT_SUCCESS)
                g_test_message("%s: failed", what);
        return status == 0;
}

static void run_and_clean(gconstpointer data)
{
        HostTest test = *(const HostTest *)data;
        bool worked = outcome_run_apart("the test", test);

        if (!outcome_run_apart("cleaning up behind the test", host_clean) || !worked)
                g_test_fail();
}

void host_test_add(const char *path, HostTest test)
{
        HostTest *copy = g_new(HostTest, 1);

        *copy = test;
        g_test_add_data_func_full(path, copy, run_and_clean, g_free);
}

int host_tests_run(void)
{
        int r;

        /* Else the first test that fails would be the last one. */
        g_test_set_nonfatal_assertions();
        host_prepare();
        r = g_test_run();
        mode_finish();
        return r;
}
