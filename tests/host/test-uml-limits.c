/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits that do not kill: what a runtime sets is what the kernel enforces. */

#include <glib.h>

#include "common/agents.h"
#include "common/cgroups.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define LIMITED "test-limited"

static Client *begin_limited(const char *actions, const char *settings)
{
        Client *c = agents_begin();

        runtime_add(LIMITED, "exec", actions, settings);
        host_reload();
        return c;
}

static void test_tasks_max_is_enforced(void)
{
        _cleanup_client_ Client *c = begin_limited("fork-up-to=100 wait", "TasksMax=8");

        create(c, &(Create){ .id = "a1", .runtime = LIMITED });
        agent_wait(c, "a1", "StatusText", "7 children, then EAGAIN");
        cgroup_expect("agent-a1.scope", "pids.current", "8");
        agent_expect(c, "a1", "State", "running");

        /* It is no obstacle to its end, nor to anybody else. */
        create(c, &(Create){ .id = "a2" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_number("processes", 1, agent_process_count());
}

/* The lines that there are only where the kernel counts. */
static void test_agentctl_shows_what_is_counted(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *status = NULL;

        create(c, &(Create){ .id = "a1" });
        status = command("agentctl status --lines=0 a1");
        expect_part("status", "\n      Tasks: 1\n", status);
        expect_part("status", "\n        CPU: ", status);
        if (!g_regex_match_simple("\n     Memory: [0-9.]+[KMG]", status, 0, 0))
                fail("expected the memory that it uses, got\n%s", status);
}

/* One that forks faster than it is killed one by one. */
static void test_guild_full_of_tasks_can_be_stopped(void)
{
        _cleanup_client_ Client *c =
                begin_limited("status=waiting wait ignore-term fork-up-to=1000 wait", "StopTimeoutSec=1");

        create(c, &(Create){ .id = "a1", .guild = "many", .runtime = LIMITED });
        create(c, &(Create){ .id = "a2", .guild = "many", .runtime = LIMITED });
        cgroup_set("agents-many.slice", "TasksMax=30");
        agent_let_be_ready(c, "a1");
        agent_wait(c, "a1", "StatusText", "28 children, then EAGAIN");
        agent_let_be_ready(c, "a2");
        agent_wait(c, "a2", "StatusText", "0 children, then EAGAIN");

        expect_true("StopAgent of a1", agent_stop(c, "a1", 0));
        expect_true("StopAgent of a2", agent_stop(c, "a2", 0));
        expect_number("processes", 0, agent_process_count());
}

static void test_settings_of_a_runtime_reach_the_kernel(void)
{
        static const struct {
                const char *setting, *file, *value;
        } cases[] = {
                { "CPUQuota=25%", "cpu.max", "25000 100000" },
                { "CPUQuota=150%\nCPUQuotaPeriodSec=20ms", "cpu.max", "30000 20000" },
                { "CPUWeight=321", "cpu.weight", "321" },
                { "MemoryMax=64M", "memory.max", "67108864" },
                { "MemoryHigh=32M", "memory.high", "33554432" },
                { "MemoryLow=8M", "memory.low", "8388608" },
                { "MemoryMin=4M", "memory.min", "4194304" },
                { "TasksMax=77", "pids.max", "77" },
                { "TasksMax=infinity", "pids.max", "max" },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                runtime_add(LIMITED, "exec", "wait", cases[i].setting);
                host_reload();
                create(c, &(Create){ .id = "a1", .runtime = LIMITED });
                cgroup_expect("agent-a1.scope", cases[i].file, cases[i].value);
                expect_true("StopAgent", agent_stop(c, "a1", 0));
        }
}

/* An administrator gives a running agent more, or less. */
static void test_limits_can_be_changed_while_the_agent_runs(void)
{
        _cleanup_client_ Client *c = begin_limited("wait", "CPUQuota=25%\nMemoryMax=64M");

        create(c, &(Create){ .id = "a1", .runtime = LIMITED });
        cgroup_set("agent-a1.scope", "CPUQuota=50% MemoryMax=128M");
        cgroup_expect("agent-a1.scope", "cpu.max", "50000 100000");
        cgroup_expect("agent-a1.scope", "memory.max", "134217728");
        agent_expect(c, "a1", "State", "running");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_false("a1", agent_is_known(c, "a1"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/limits/" name, test_##function)
        ADD("TasksMax-is-enforced", tasks_max_is_enforced);
        ADD("agentctl-shows-what-is-counted", agentctl_shows_what_is_counted);
        ADD("guild-full-of-tasks-can-be-stopped", guild_full_of_tasks_can_be_stopped);
        ADD("settings-of-a-runtime-reach-the-kernel", settings_of_a_runtime_reach_the_kernel);
        ADD("limits-can-be-changed-while-the-agent-runs", limits_can_be_changed_while_the_agent_runs);
#undef ADD

        return host_tests_run();
}
