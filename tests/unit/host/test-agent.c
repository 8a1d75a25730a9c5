/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>

#include "agent.h"

static Agent *launched_agent(bool notify)
{
        Agent *a = agent_new(NULL, "a1");

        a->notify = notify;
        agent_enter_launched(a, 42, -EBADF, 1000);
        return a;
}

#define END(r, c, s, asked)           \
        ((AgentEnd){ .result = (r),   \
                .code = (c),          \
                .status = (s),        \
                .requested = (asked), \
                .when_usec = 1,       \
                .oom_level = "guild", \
                .usage = { 4096, 1000 } })

static void assert_end(Agent *a, const AgentEnd *end, AgentState state, const char *result)
{
        agent_enter_ended(a, end);
        g_assert_cmpstr(agent_state_name(a->state), ==, agent_state_name(state));
        g_assert_cmpstr(a->result, ==, result);
        g_assert_cmpint(a->exit_status, ==, end->status);
        g_assert_true(agent_has_ended(a));
        g_assert_false(agent_is_alive(a));
        agent_free(a);
}

static void test_agent_names_unit_and_object_by_its_escaped_id(void)
{
        Agent *a = agent_new(NULL, "a/b-1");

        g_assert_cmpstr(a->unit, ==, "agent-a\\x2fb\\x2d1.scope");
        g_assert_cmpstr(a->path, ==, "/org/agenthost/Host1/agent/a_2fb_2d1");
        g_assert_cmpint(a->state, ==, AGENT_QUEUED);
        agent_free(a);
}

static void test_agent_of_type_exec_is_running_once_executed(void)
{
        Agent *a = launched_agent(false);

        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        g_assert_true(a->ready);
        g_assert_cmpuint(a->ready_at_usec, ==, 1000);
        agent_free(a);
}

static void test_agent_of_type_notify_runs_when_it_says_ready(void)
{
        Agent *a = launched_agent(true);

        g_assert_cmpint(a->state, ==, AGENT_STARTING);
        g_assert_true(agent_is_alive(a));
        g_assert_true(agent_enter_ready(a, 2000));
        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        g_assert_cmpuint(a->ready_at_usec, ==, 2000);
        g_assert_false(agent_enter_ready(a, 3000));
        g_assert_cmpuint(a->ready_at_usec, ==, 2000);
        agent_free(a);
}

static void test_ready_may_come_before_the_launchers_answer(void)
{
        Agent *a = agent_new(NULL, "a1");

        a->notify = true;
        g_assert_false(agent_enter_ready(a, 500));
        g_assert_cmpint(a->state, ==, AGENT_QUEUED);
        agent_enter_launched(a, 42, -EBADF, 1000);
        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        g_assert_cmpuint(a->ready_at_usec, ==, 1000);
        agent_free(a);
}

static void test_ready_does_not_undo_a_stop(void)
{
        Agent *a = launched_agent(true);

        g_assert_true(agent_enter_stopping(a));
        g_assert_true(agent_enter_ready(a, 2000));
        g_assert_cmpint(a->state, ==, AGENT_STOPPING);
        agent_free(a);
}

static void test_ends_are_told_apart(void)
{
        assert_end(launched_agent(false), &END("success", CLD_EXITED, 0, false), AGENT_EXITED, "success");
        assert_end(
                launched_agent(false), &END("exit-code", CLD_EXITED, 3, false), AGENT_EXITED, "exit-code");
        assert_end(
                launched_agent(false), &END("signal", CLD_KILLED, SIGKILL, false), AGENT_FAILED, "signal");
        assert_end(launched_agent(false), &END("oom-kill", CLD_KILLED, SIGKILL, false), AGENT_FAILED,
                "oom-kill");
        assert_end(launched_agent(false), &END("lost", 0, -1, false), AGENT_LOST, "lost");
}

static void test_exit_with_0_before_ready_is_against_the_protocol(void)
{
        assert_end(launched_agent(true), &END("success", CLD_EXITED, 0, false), AGENT_EXITED, "protocol");
}

static void test_start_timeout_is_the_result_although_we_killed_it(void)
{
        Agent *a = launched_agent(true);

        a->start_timed_out = true;
        assert_end(a, &END("success", CLD_KILLED, SIGKILL, true), AGENT_FAILED, "timeout");
}

static void test_requested_stop_before_ready_is_no_failure(void)
{
        assert_end(
                launched_agent(true), &END("success", CLD_KILLED, SIGTERM, true), AGENT_FAILED, "success");
}

static void test_missed_watchdog_is_the_result_although_we_killed_it(void)
{
        Agent *a = launched_agent(false);

        a->watchdog_timed_out = true;
        agent_enter_stopping(a);
        assert_end(a, &(AgentEnd){ .result = "signal", .code = CLD_KILLED, .status = SIGABRT }, AGENT_FAILED,
                "watchdog");

        a = launched_agent(false);
        a->watchdog_timed_out = a->watchdog_killed = true;
        assert_end(a,
                &(AgentEnd){ .result = "success", .code = CLD_KILLED, .status = SIGKILL, .requested = true },
                AGENT_FAILED, "watchdog");
}

static void test_requested_is_what_somebody_else_asked_for(void)
{
        const AgentEnd end = { .result = "success", .code = CLD_KILLED, .status = 9, .requested = true };
        Agent *a = launched_agent(true);

        g_assert_true(agent_end_is_requested(a, &end));
        a->watchdog_timed_out = true;
        g_assert_true(agent_end_is_requested(a, &end));
        a->watchdog_killed = true;
        g_assert_false(agent_end_is_requested(a, &end));
        a->stop_requested = true;
        g_assert_true(agent_end_is_requested(a, &end));
        agent_free(a);
}

static void test_restarting_agent_begins_a_new_life(void)
{
        Agent *a = launched_agent(true);

        agent_enter_ready(a, 2000);
        agent_enter_ended(
                a, &(AgentEnd){ .result = "exit-code", .code = CLD_EXITED, .status = 3, .when_usec = 3000 });
        agent_enter_restarting(a);
        g_assert_false(agent_is_alive(a) || agent_has_ended(a) || a->ready);
        g_assert_true(agent_awaits_launch(a));
        g_assert_cmpint(a->pid, ==, 0);
        g_assert_cmpstr(a->result, ==, "exit-code");
        g_assert_cmpuint(a->exited_at_usec, ==, 3000);
        g_assert_false(agent_enter_stopping(a));

        agent_enter_launched(a, 43, -EBADF, 4000);
        g_assert_cmpint(a->state, ==, AGENT_STARTING);
        g_assert_cmpstr(a->result, ==, "success");
        g_assert_cmpint(a->exit_status, ==, 0);
        g_assert_cmpuint(a->exited_at_usec, ==, 0);
        g_assert_true(agent_enter_ready(a, 5000));
        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        agent_free(a);
}

static void test_only_a_running_agent_freezes(void)
{
        Agent *a = launched_agent(true);

        g_assert_false(agent_enter_frozen(a, true));
        agent_enter_ready(a, 2000);
        g_assert_false(agent_enter_frozen(a, false));
        g_assert_true(agent_enter_frozen(a, true));
        g_assert_cmpint(a->state, ==, AGENT_FROZEN);
        g_assert_true(agent_is_alive(a));
        g_assert_false(agent_enter_frozen(a, true));
        g_assert_true(agent_enter_frozen(a, false));
        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        agent_enter_frozen(a, true);
        g_assert_true(agent_enter_stopping(a));
        g_assert_false(agent_enter_frozen(a, false));
        agent_free(a);
}

static void test_state_names_are_found_again(void)
{
        for (AgentState s = 0; s < _AGENT_STATE_MAX; s++)
                g_assert_cmpint(agent_state_from_name(agent_state_name(s)), ==, s);
        g_assert_cmpint(agent_state_from_name("dead"), ==, _AGENT_STATE_MAX);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/agent/names-unit-and-object-by-its-escaped-id",
                test_agent_names_unit_and_object_by_its_escaped_id);
        g_test_add_func("/agent/of-type-exec-is-running-once-executed",
                test_agent_of_type_exec_is_running_once_executed);
        g_test_add_func("/agent/of-type-notify-runs-when-it-says-ready",
                test_agent_of_type_notify_runs_when_it_says_ready);
        g_test_add_func("/agent/ready-may-come-before-the-launchers-answer",
                test_ready_may_come_before_the_launchers_answer);
        g_test_add_func("/agent/ready-does-not-undo-a-stop", test_ready_does_not_undo_a_stop);
        g_test_add_func("/agent/ends-are-told-apart", test_ends_are_told_apart);
        g_test_add_func("/agent/exit-with-0-before-ready-is-against-the-protocol",
                test_exit_with_0_before_ready_is_against_the_protocol);
        g_test_add_func("/agent/start-timeout-is-the-result-although-we-killed-it",
                test_start_timeout_is_the_result_although_we_killed_it);
        g_test_add_func("/agent/requested-stop-before-ready-is-no-failure",
                test_requested_stop_before_ready_is_no_failure);
        g_test_add_func("/agent/missed-watchdog-is-the-result-although-we-killed-it",
                test_missed_watchdog_is_the_result_although_we_killed_it);
        g_test_add_func("/agent/requested-is-what-somebody-else-asked-for",
                test_requested_is_what_somebody_else_asked_for);
        g_test_add_func(
                "/agent/restarting-agent-begins-a-new-life", test_restarting_agent_begins_a_new_life);
        g_test_add_func("/agent/only-a-running-agent-freezes", test_only_a_running_agent_freezes);
        g_test_add_func("/agent/state-names-are-found-again", test_state_names_are_found_again);
        return g_test_run();
}
