/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foundling.h"

#include <glib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fake/debugger.h"
#include "fake/loop.h"

/* A child that does nothing, as an executor does. */
static pid_t start_child(void)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
                (void)pause();
}

static bool is_reaped(void *userdata)
{
        const pid_t *pid = userdata;

        return kill(*pid, 0) < 0 && errno == ESRCH;
}

static Foundlings *look_around(sd_event *event, pid_t dumper)
{
        const ChildTable known = { 0 };
        Foundlings *l;

        g_assert_cmpint(foundlings_new(event, &known, dumper, &l), ==, 0);
        return l;
}

static void test_executors_are_ended_at_once(void)
{
        pid_t first = start_child(), second = start_child();
        sd_event *event = loop_new();
        Foundlings *l = look_around(event, 0);

        g_assert_true(is_reaped(&first));
        g_assert_true(is_reaped(&second));
        foundlings_free(l);
        sd_event_unref(event);
}

static void test_dumper_ends_by_itself(void)
{
        pid_t dumper = start_child();
        sd_event *event = loop_new();
        Foundlings *l = look_around(event, dumper);

        loop_for(event, 20);
        g_assert_false(is_reaped(&dumper));
        g_assert_cmpint(kill(dumper, SIGKILL), ==, 0);
        loop_until(event, is_reaped, &dumper);
        foundlings_free(l);
        sd_event_unref(event);
}

/* The kernel shows us its end when it has been killed, and lets us reap it when its tracer has gone. */
static void test_traced_executor_is_reaped_after_its_tracer(void)
{
        pid_t traced = start_child(), other = start_child();
        int debugger = debugger_attach(traced);
        sd_event *event = loop_new();
        Foundlings *l = look_around(event, 0);

        g_assert_true(is_reaped(&other));
        loop_for(event, 20);
        g_assert_false(is_reaped(&traced));
        g_assert_cmpint(close(debugger), ==, 0);
        loop_until(event, is_reaped, &traced);
        foundlings_free(l);
        sd_event_unref(event);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/foundling/executors-are-ended-at-once", test_executors_are_ended_at_once);
        g_test_add_func("/foundling/dumper-ends-by-itself", test_dumper_ends_by_itself);
        g_test_add_func("/foundling/traced-executor-is-reaped-after-its-tracer",
                test_traced_executor_is_reaped_after_its_tracer);
        return g_test_run();
}
