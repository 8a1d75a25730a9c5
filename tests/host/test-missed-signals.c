/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals of systemd that never come: PID 1 cannot send them (it is short of memory, say), or nobody is
 * connected when it does. What they would have told is found by looking. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/outcome.h"
#include "common/tracer.h"

#define LAUNCHER "agenthost-launcher.service"
#define AGAIN "test-again"

/* Runtimes whose agents are started again whenever they end: of one SIGTERM is the end, the other ignores
 * it.
 */
#define OBEDIENT "test-obedient"
#define PATIENT "test-patient"

/* Files: as long as the first is there, the launcher does not start; with the second, systemd stops a1. */
#define HELD "/run/agenthost-tests/launcher-is-held"
#define STOP "/run/agenthost-tests/stop-of-a1"

/* Until it is detached, systemd says nothing to anybody. */
static void silence_systemd(Tracer *t)
{
        static const Injection nothing_is_sent = { .call = "sendmsg", .error = "ENOBUFS" };

        *t = (Tracer){ .injection = &nothing_is_sent };
        tracer_attach(t, 1);
}

/* That the scope is gone is the last that it would have said. */
static void let_systemd_speak(Tracer *t)
{
        tracer_wait_injected("UnitRemoved");
        tracer_detach(t);
}

static void test_end_is_stated_though_systemd_has_not_said_that_the_scope_is_gone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        Tracer t;

        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        silence_systemd(&t);
        kill(pid, SIGKILL);
        let_systemd_speak(&t);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        fleet_wait(c, "a1 a2", "a2");
}

static void test_stop_ends_though_systemd_has_not_said_that_the_scope_is_gone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        Tracer t;

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        silence_systemd(&t);
        Call *call = client_send(c, MANAGER, "StopAgent", "su", "a1", 0u);
        let_systemd_speak(&t);
        sd_bus_message_unref(call_success(call));
        fleet_wait(c, "", "");
}

static void test_restart_comes_though_systemd_has_not_said_that_the_scope_is_gone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        Tracer t;
        pid_t pid;

        runtime_add(AGAIN, "notify", "ready wait", "Restart=always\nRestartSec=1ms");
        host_reload();
        pid = create(c, &(Create){ .id = "a1", .runtime = AGAIN, .wait = "ready" });
        silence_systemd(&t);
        kill(pid, SIGKILL);
        let_systemd_speak(&t);
        agent_wait(c, "a1", "Restarts", "1");
        agent_wait(c, "a1", "State", "running");
        fleet_wait(c, "a1", "a1");
}

/* The answer to the request for a scope, and that its job is done. */
static void test_launch_comes_to_its_end_though_systemd_says_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();
        Tracer t;

        silence_systemd(&t);
        Call *call = create_send(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        tracer_wait_injected("JobRemoved");
        tracer_detach(&t);
        sd_bus_message_unref(call_success(call));
        fleet_wait(c, "a1", "a1");
}

/* systemd executes itself again, which breaks the connection; nobody makes it again before all is over. */
static void test_what_happens_while_nobody_listens_is_found_after_it(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t killed = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        pid_t ended = create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });

        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        service_signal(LAUNCHER, SIGSTOP);
        g_free(command("systemctl daemon-reexec"));
        kill(killed, SIGKILL);
        kill(ended, SIGTERM);
        g_free(command(
                "sh -c 'while systemctl --quiet is-active agent-a1.scope agent-a2.scope; do sleep 0.05; done'"));
        service_signal(LAUNCHER, SIGCONT);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_wait_end(c, "a2", "success", 0);
        fleet_wait(c, "a1 a2 a3", "a3");
}

static Client *begin_stop(const char *runtime, pid_t *ret_pid)
{
        static const char settings[] =
                "Restart=always\nRestartSec=1ms\nStartTimeoutSec=1h\nStopTimeoutSec=1h";
        Client *c;

        runtime_add(OBEDIENT, "notify", "ready wait-term signal=15", settings);
        runtime_add(PATIENT, "notify", "ignore-term ready wait", settings);
        c = agents_begin();
        *ret_pid = create(c, &(Create){ .id = "a1", .runtime = runtime, .wait = "ready" });
        return c;
}

static void expect_stopped(Client *c, int signal_number)
{
        agent_wait_end(c, "a1", "success", signal_number);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        fleet_wait_forgotten(c);
}

/* Who asks systemd for the stop is systemd itself: nobody else could get an answer. */
static void test_stop_job_is_known_by_its_end_though_its_beginning_was_not_said(void)
{
        pid_t pid;
        _cleanup_client_ Client *c = begin_stop(PATIENT, &pid);
        Tracer t;

        g_free(command("systemd-run --quiet --unit=test-stopper --path-property=PathExists=" STOP
                       " --property=Conflicts=agent-a1.scope --property=Type=oneshot rm " STOP));
        silence_systemd(&t);
        g_free(command("touch " STOP));
        tracer_wait_injected("agent-a1.scope");
        tracer_detach(&t);
        /* It keeps what it names loaded. */
        g_free(command("systemctl stop test-stopper.path"));
        kill(pid, SIGKILL);
        expect_stopped(c, SIGKILL);
}

static void test_stop_while_nobody_listens_is_a_stop(void)
{
        pid_t pid;
        _cleanup_client_ Client *c = begin_stop(OBEDIENT, &pid);

        service_signal(LAUNCHER, SIGSTOP);
        g_free(command("systemctl daemon-reexec"));
        g_free(command("systemctl stop agent-a1.scope"));
        service_signal(LAUNCHER, SIGCONT);
        expect_stopped(c, SIGTERM);
}

/* Started again, the launcher waits until it is let go. */
static void hold_the_launcher_down(void)
{
        pid_t launcher = service_pid(LAUNCHER);

        unit_write(LAUNCHER,
                "[Service]\nExecStartPre=/bin/sh -c 'while test -e " HELD "; do sleep 0.05; done'\n");
        g_free(command("touch " HELD));
        service_signal(LAUNCHER, SIGKILL);
        process_wait_end(launcher);
}

static void test_stop_while_the_launcher_is_down_is_a_stop_where_the_kernel_tells(void)
{
        pid_t pid;
        _cleanup_client_ Client *c = begin_stop(OBEDIENT, &pid);

        hold_the_launcher_down();
        g_free(command("systemctl stop agent-a1.scope"));
        g_free(command("rm " HELD));
        if (kernel_tells_exits())
                expect_stopped(c, SIGTERM);
        else
                agent_wait_end(c, "a1", "lost", -1);
}

static void test_death_while_the_launcher_is_down_is_no_stop(void)
{
        pid_t pid;
        _cleanup_client_ Client *c = begin_stop(OBEDIENT, &pid);
        bool known = kernel_tells_exits();

        hold_the_launcher_down();
        kill(pid, SIGKILL);
        process_wait_end(pid);
        g_free(command("rm " HELD));
        agent_wait_end(c, "a1", known ? "signal" : "lost", known ? SIGKILL : -1);
        agent_wait(c, "a1", "Restarts", "1");
        agent_wait(c, "a1", "State", "running");
        fleet_wait(c, "a1", "a1");
}

/* By the launcher, which begins no launch before. */
static void wait_until_found_again(Client *c)
{
        for (bool done = false; !done;) {
                _cleanup_message_ sd_bus_message *answer =
                        call_answer(create_send(c, &(Create){ .id = "a2", .runtime = NOTIFY }));

                done = !sd_bus_message_is_method_error(answer, NULL);
        }
}

/* It is not down for ever: what it sees afterwards counts as it always does. */
static void test_signal_after_the_launcher_was_down_is_no_stop(void)
{
        pid_t pid;
        _cleanup_client_ Client *c = begin_stop(OBEDIENT, &pid);
        bool known = kernel_tells_exits();

        launcher_crash();
        wait_until_found_again(c);
        kill(pid, SIGTERM);
        agent_wait_end(c, "a1", known ? "signal" : "lost", known ? SIGTERM : -1);
        agent_wait(c, "a1", "State", "running");
        fleet_wait(c, "a1 a2", "a1 a2");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/missed-signals/" name, test_##function)
        ADD("end-is-stated-though-systemd-has-not-said-that-the-scope-is-gone",
                end_is_stated_though_systemd_has_not_said_that_the_scope_is_gone);
        ADD("stop-ends-though-systemd-has-not-said-that-the-scope-is-gone",
                stop_ends_though_systemd_has_not_said_that_the_scope_is_gone);
        ADD("restart-comes-though-systemd-has-not-said-that-the-scope-is-gone",
                restart_comes_though_systemd_has_not_said_that_the_scope_is_gone);
        ADD("launch-comes-to-its-end-though-systemd-says-nothing",
                launch_comes_to_its_end_though_systemd_says_nothing);
        ADD("what-happens-while-nobody-listens-is-found-after-it",
                what_happens_while_nobody_listens_is_found_after_it);
        ADD("stop-job-is-known-by-its-end-though-its-beginning-was-not-said",
                stop_job_is_known_by_its_end_though_its_beginning_was_not_said);
        ADD("stop-while-nobody-listens-is-a-stop", stop_while_nobody_listens_is_a_stop);
        ADD("stop-while-the-launcher-is-down-is-a-stop-where-the-kernel-tells",
                stop_while_the_launcher_is_down_is_a_stop_where_the_kernel_tells);
        ADD("death-while-the-launcher-is-down-is-no-stop", death_while_the_launcher_is_down_is_no_stop);
        ADD("signal-after-the-launcher-was-down-is-no-stop", signal_after_the_launcher_was_down_is_no_stop);
#undef ADD

        return host_tests_run();
}
