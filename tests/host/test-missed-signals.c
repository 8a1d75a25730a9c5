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
#undef ADD

        return host_tests_run();
}
