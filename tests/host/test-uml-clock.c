/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Steps of the wall clock, forward and back, as when a host first hears of the right time: nobody is late by
 * them, nothing is forgotten, and no wait gets longer. Needs a kernel of its own, as the clock is
 * everybody's. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define WATCHED "test-watched"
#define ENDING "test-ending"
#define AGAIN "test-again"

static void step(const char *by)
{
        g_free(command("date --set='%s'", by));
}

/* One with a watchdog, one that is kept as ended, and one that waits for its restart. */
static Client *begin_with_times(void)
{
        Client *c = agents_begin();

        config_write("[Host]\nRetainSec=1h\nRetainFailedSec=1h\n");
        runtime_add(WATCHED, "notify", "ready wait", "WatchdogSec=1h\nStopTimeoutSec=1h");
        runtime_add(ENDING, "notify", "ready wait exit=42", NULL);
        runtime_add(
                AGAIN, "notify", "ready wait exit=3", "Restart=on-failure\nRestartSec=1h\nRestartMaxSec=1h");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = WATCHED, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = ENDING, .wait = "ready" });
        create(c, &(Create){ .id = "a3", .runtime = AGAIN, .wait = "ready" });
        agent_signal(c, "a2", SIGUSR1);
        agent_wait_end(c, "a2", "exit-code", 42);
        agent_signal(c, "a3", SIGUSR1);
        agent_wait(c, "a3", "State", "restarting");
        return c;
}

/* Something happens that takes a moment: what the step has made due would have come before it. */
static void expect_unmoved(Client *c)
{
        create(c, &(Create){ .id = "b1", .runtime = NOTIFY, .wait = "ready" });
        expect_true("b1", agent_stop(c, "b1", 0));
        agent_expect(c, "a1", "State", "running");
        agent_expect(c, "a2", "ExitStatus", "42");
        agent_expect(c, "a3", "State", "restarting");
        agent_expect(c, "a3", "Restarts", "0");
}

static void expect_nothing_moves(const char *by)
{
        _cleanup_client_ Client *c = begin_with_times();

        step(by);
        expect_unmoved(c);
        agenthostd_crash();
        expect_unmoved(c);
        launcher_crash();
        agent_expect(c, "a1", "State", "running");
        expect_true("a1", agent_stop(c, "a1", 0));
        expect_true("a3", agent_stop(c, "a3", 0));
}

static void test_step_forward_makes_nobody_late(void)
{
        expect_nothing_moves("2 days");
}

static void test_step_back_makes_nobody_wait(void)
{
        expect_nothing_moves("3 days ago");
}

/* What is due soon is not put off by it. */
static void test_step_back_puts_no_restart_off(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(AGAIN, "notify", "ready wait exit=3", "Restart=on-failure\nRestartSec=3s");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = AGAIN, .wait = "ready" });
        agent_signal(c, "a1", SIGUSR1);
        agent_wait(c, "a1", "State", "restarting");
        step("1 day ago");
        agent_wait(c, "a1", "State", "running");
        agent_expect(c, "a1", "Restarts", "1");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/uml-clock/" name, test_##function)
        ADD("step-forward-makes-nobody-late", step_forward_makes_nobody_late);
        ADD("step-back-makes-nobody-wait", step_back_makes_nobody_wait);
        ADD("step-back-puts-no-restart-off", step_back_puts_no_restart_off);
#undef ADD

        return host_tests_run();
}
