/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A launcher that is killed and comes back, on a kernel that tells nobody but the parent how a process
 * ended: that it has ended is told, how is not made up. More of its deaths: test-restart-launcher.c. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define LAUNCHER "agenthost-launcher.service"
#define SEVEN "test-seven" /* at SIGUSR1 it exits with 7 */
#define ZERO "test-zero" /* with 0 */
#define HUNGRY "test-hungry" /* then it is killed for its memory */

static pid_t runs_on_pid;

/* With an agent that has nothing to do with it, and runs on. */
static Client *begin(void)
{
        Client *c;

        expect_false("the kernel tells how others' children end", kernel_tells_exits());
        runtime_add(SEVEN, "notify", "ready wait exit=7", NULL);
        runtime_add(ZERO, "notify", "ready wait exit=0", NULL);
        runtime_add(HUNGRY, "notify", "ready wait eat=200", "MemoryMax=24M\nMemorySwapMax=0");
        c = agents_begin();
        runs_on_pid = create(c, &(Create){ .id = "on", .runtime = NOTIFY, .wait = "ready" });
        return c;
}

static pid_t create_ready(Client *c, const char *id, const char *runtime)
{
        return create(c, &(Create){ .id = id, .runtime = runtime, .wait = "ready" });
}

/* All that run are its own again on return. */
static void crash(Client *c)
{
        launcher_crash();
        create_when_possible(c, "next");
        expect_true("StopAgent", agent_stop(c, "next", 0));
}

static void expect_lost(Client *c, const char *id)
{
        agent_wait_end(c, id, "lost", -1);
        agent_expect(c, id, "State", "lost");
        agent_expect(c, id, "Result", "lost");
        agent_expect(c, id, "ExitStatus", "-1");
        agent_expect(c, id, "Alive", "false");
}

/* Listed as before, and still one that can be stopped. */
static void expect_other_runs_on(Client *c)
{
        _cleanup_agent_info_ AgentInfo info = { 0 };

        expect_true("it is listed", agent_info(c, "on", &info));
        expect_text("its state", "running", info.state);
        expect_number("its pid", runs_on_pid, info.pid);
        expect_true("it is alive", info.alive && process_is_alive(runs_on_pid));
        expect_number("processes of agents", 1, agent_process_count());
        expect_true("StopAgent", agent_stop(c, "on", 0));
        expect_false("it is known", agent_is_known(c, "on"));
}

/* Not even what looks like a success is one. */
static void test_end_after_a_crash_is_lost(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "seven", SEVEN);
        create_ready(c, "zero", ZERO);
        create_ready(c, "killed", NOTIFY);
        crash(c);

        agent_signal(c, "seven", SIGUSR1);
        expect_lost(c, "seven");
        agent_signal(c, "zero", SIGUSR1);
        expect_lost(c, "zero");
        agent_signal(c, "killed", SIGKILL);
        expect_lost(c, "killed");
        expect_other_runs_on(c);
}

/* It is a zombie of the stopped launcher, then of PID 1, which reaps it. */
static void test_end_while_the_launcher_is_away_is_lost(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create_ready(c, "seven", SEVEN);

        service_signal(LAUNCHER, SIGSTOP);
        kill(pid, SIGUSR1);
        process_wait_end(pid);
        crash(c);
        expect_lost(c, "seven");
        expect_other_runs_on(c);
}

/* Nobody knows that it was not a failure. */
static void test_lost_end_is_a_failure_to_the_restart_policy(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(
                c, &(Create){ .id = "zero", .runtime = ZERO, .wait = "ready", .restart = "on-failure" });

        crash(c);
        agent_signal(c, "zero", SIGUSR1);
        agent_wait(c, "zero", "Restarts", "1");
        agent_wait(c, "zero", "State", "running");
        expect_false("the old one is alive", process_is_alive(pid));

        /* The new one has a parent that knows. */
        client_drop_signals(c);
        agent_signal(c, "zero", SIGUSR1);
        agent_wait_end(c, "zero", "success", 0);
        expect_other_runs_on(c);
}

/* The kernel is not the only one who tells. */
static void test_what_systemd_and_the_cgroup_tell_is_known_still(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "hungry", HUNGRY);
        crash(c);
        agent_signal(c, "hungry", SIGUSR1);
        agent_wait_end(c, "hungry", "oom-kill", -1);
        agent_expect(c, "hungry", "OOMLevel", "agent");
        expect_other_runs_on(c);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/uml-adopt/" name, test_##function)
        ADD("end-after-a-crash-is-lost", end_after_a_crash_is_lost);
        ADD("end-while-the-launcher-is-away-is-lost", end_while_the_launcher_is_away_is_lost);
        ADD("lost-end-is-a-failure-to-the-restart-policy", lost_end_is_a_failure_to_the_restart_policy);
        ADD("what-systemd-and-the-cgroup-tell-is-known-still",
                what_systemd_and_the_cgroup_tell_is_known_still);
#undef ADD

        return host_tests_run();
}
