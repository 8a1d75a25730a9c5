/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake/debugger.h"
#include "fake/loop.h"

/* Of one child at most: 0 is none. */
static pid_t child_pid(void)
{
        g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return (pid_t)strtol(text, NULL, 10);
}

static bool has_no_child(void *userdata)
{
        (void)userdata;

        return child_pid() == 0;
}

static Executor *begin(sd_event *event, pid_t *ret_worker)
{
        Executor *e;

        g_assert_cmpint(executor_new(event, EXECUTOR_PROGRAM, &e), ==, 0);
        *ret_worker = child_pid();
        g_assert_cmpint(*ret_worker, >, 0);
        return e;
}

static void test_worker_goes_with_its_executor(void)
{
        sd_event *event = loop_new();
        pid_t worker;
        Executor *e = begin(event, &worker);

        executor_free(e);
        g_assert_true(has_no_child(NULL));
        sd_event_unref(event);
}

static void test_dead_worker_is_reaped(void)
{
        sd_event *event = loop_new();
        pid_t worker;
        Executor *e = begin(event, &worker);

        g_assert_cmpint(kill(worker, SIGKILL), ==, 0);
        loop_until(event, has_no_child, NULL);
        executor_free(e);
        sd_event_unref(event);
}

/* Nothing waits for the debugger. */
static void test_debugged_worker_is_reaped_after_its_debugger(void)
{
        sd_event *event = loop_new();
        pid_t worker;
        Executor *e = begin(event, &worker);
        int debugger = debugger_attach(worker);

        g_assert_cmpint(kill(worker, SIGKILL), ==, 0);
        loop_for(event, 20);
        g_assert_cmpint(child_pid(), ==, worker);
        g_assert_cmpint(close(debugger), ==, 0);
        loop_until(event, has_no_child, NULL);
        executor_free(e);
        sd_event_unref(event);
}

static void test_debugged_worker_does_not_hold_up_a_restart(void)
{
        sd_event *event = loop_new();
        pid_t worker;
        Executor *e = begin(event, &worker);
        int debugger = debugger_attach(worker);

        g_assert_cmpint(executor_restart(e), ==, 0);
        g_assert_cmpint(child_pid(), ==, worker);
        g_assert_cmpint(close(debugger), ==, 0);
        loop_until(event, has_no_child, NULL);
        executor_free(e);
        sd_event_unref(event);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/executor/worker-goes-with-its-executor", test_worker_goes_with_its_executor);
        g_test_add_func("/executor/dead-worker-is-reaped", test_dead_worker_is_reaped);
        g_test_add_func("/executor/debugged-worker-is-reaped-after-its-debugger",
                test_debugged_worker_is_reaped_after_its_debugger);
        g_test_add_func("/executor/debugged-worker-does-not-hold-up-a-restart",
                test_debugged_worker_does_not_hold_up_a_restart);
        return g_test_run();
}
