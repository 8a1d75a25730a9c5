/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that runs out: for an agent, for a child of it, for a guild, for all agents. Who is hit ends as
 * oom-kill, and nobody else is hit. The agents eat several times what they may, so that it does not matter
 * what else is counted. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/cgroups.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define HUNGRY "test-hungry"
#define LIMIT "MemoryMax=24M\nMemorySwapMax=0\n"

/* An agent of HUNGRY eats when it is told to. */
static Client *begin_hungry(const char *actions, const char *settings)
{
        g_autofree char *all = g_strconcat("status=waiting wait ", actions, NULL);
        Client *c = agents_begin();

        runtime_add(HUNGRY, "exec", all, settings);
        host_reload();
        return c;
}

static void start_eating(Client *c, const char *id)
{
        agent_let_be_ready(c, id);
}

static void create_neighbour(Client *c, const char *guild)
{
        create(c, &(Create){ .id = "neighbour", .guild = guild, .runtime = NOTIFY, .wait = "ready" });
}

static void expect_neighbour_lives(Client *c)
{
        agent_expect(c, "neighbour", "State", "running");
        agent_expect(c, "neighbour", "Alive", "true");
}

static void expect_oom_kill(Client *c, const char *id)
{
        agent_wait_end(c, id, "oom-kill", SIGKILL);
        agent_expect(c, id, "State", "failed");
        agent_expect(c, id, "Result", "oom-kill");
        agent_expect(c, id, "ExitStatus", "9");
}

static void test_agent_that_eats_too_much_ends_as_oom_kill(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200 wait", LIMIT);

        create_neighbour(c, "g");
        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        cgroup_expect("agent-a1.scope", "memory.max", "25165824");
        start_eating(c, "a1");
        expect_oom_kill(c, "a1");
        expect_neighbour_lives(c);
}

static void test_agent_that_eats_too_much_before_it_is_ready_says_so(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(HUNGRY, "notify", "eat=200 ready wait", LIMIT);
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = HUNGRY, .wait = "ready" },
                ERROR_("StartFailed"), "Agent a1 was killed by signal 9 (SIGKILL) before it was ready");
        client_drop_signals(c);
        agent_expect(c, "a1", "Result", "oom-kill");
}

/* OOMPolicy=kill is the default. */
static void test_child_that_eats_too_much_takes_the_agent_along(void)
{
        _cleanup_client_ Client *c = begin_hungry("child-eat=200 wait", LIMIT);

        create_neighbour(c, "g");
        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        cgroup_expect("agent-a1.scope", "memory.oom.group", "1");
        start_eating(c, "a1");
        expect_oom_kill(c, "a1");
        expect_neighbour_lives(c);
        expect_number("processes", 1, agent_process_count());
}

static void test_agent_survives_its_child_where_the_policy_is_continue(void)
{
        _cleanup_client_ Client *c = begin_hungry("child-eat=200 wait exit=3", LIMIT "OOMPolicy=continue\n");

        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        cgroup_expect("agent-a1.scope", "memory.oom.group", "0");
        start_eating(c, "a1");
        agent_wait(c, "a1", "StatusText", "child ended by signal 9");
        agent_expect(c, "a1", "State", "running");

        /* That end is its own. */
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
}

/* systemd stops the scope: the agent is asked to end, and does, but why is not forgotten. */
static void test_agent_is_stopped_with_its_child_where_the_policy_is_stop(void)
{
        _cleanup_client_ Client *c = begin_hungry("child-eat=200 wait", LIMIT "OOMPolicy=stop\n");

        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        cgroup_expect("agent-a1.scope", "memory.oom.group", "0");
        start_eating(c, "a1");
        agent_wait_end(c, "a1", "oom-kill", 0);
        agent_expect(c, "a1", "Result", "oom-kill");
        expect_number("processes", 0, agent_process_count());
}

/* Who eats is within his own limit. */
static void expect_slice_to_be_the_limit(Client *c, const char *slice, const char *hungry_guild)
{
        create(c, &(Create){ .id = "a1", .guild = hungry_guild, .runtime = HUNGRY });
        cgroup_set(slice, "MemoryMax=48M MemorySwapMax=0");
        cgroup_expect(slice, "memory.max", "50331648");
        cgroup_expect("agent-a1.scope", "memory.max", "max");
        start_eating(c, "a1");
        expect_oom_kill(c, "a1");
}

static void test_limit_of_a_guild_hits_that_guild_only(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200 status=full wait", NULL);

        create(c, &(Create){ .id = "other", .guild = "rich", .runtime = HUNGRY });
        create_neighbour(c, "poor");
        expect_slice_to_be_the_limit(c, "agents-poor.slice", "poor");

        /* The kernel picks the largest: the small one of the same guild is spared. */
        expect_neighbour_lives(c);
        start_eating(c, "other");
        agent_wait(c, "other", "StatusText", "full");
        agent_expect(c, "other", "State", "running");
}

static void test_limit_of_all_agents_hits_the_largest_of_them(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200 wait", NULL);

        create_neighbour(c, "g2");
        expect_slice_to_be_the_limit(c, "agents.slice", "g1");
        expect_neighbour_lives(c);
        cgroup_set("agents.slice", "MemoryMax=infinity MemorySwapMax=infinity");
}

/* The administrator's word: it stands when the guild's last agent has gone and another comes. */
static void test_limit_of_a_guild_outlives_its_agents(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .guild = "kept" });
        cgroup_set("agents-kept.slice", "MemoryMax=48M");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        create(c, &(Create){ .id = "a2", .guild = "kept" });
        cgroup_expect("agents-kept.slice", "memory.max", "50331648");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/oom/" name, test_##function)
        ADD("agent-that-eats-too-much-ends-as-oom-kill", agent_that_eats_too_much_ends_as_oom_kill);
        ADD("agent-that-eats-too-much-before-it-is-ready-says-so",
                agent_that_eats_too_much_before_it_is_ready_says_so);
        ADD("child-that-eats-too-much-takes-the-agent-along",
                child_that_eats_too_much_takes_the_agent_along);
        ADD("agent-survives-its-child-where-the-policy-is-continue",
                agent_survives_its_child_where_the_policy_is_continue);
        ADD("agent-is-stopped-with-its-child-where-the-policy-is-stop",
                agent_is_stopped_with_its_child_where_the_policy_is_stop);
        ADD("limit-of-a-guild-hits-that-guild-only", limit_of_a_guild_hits_that_guild_only);
        ADD("limit-of-all-agents-hits-the-largest-of-them", limit_of_all_agents_hits_the_largest_of_them);
        ADD("limit-of-a-guild-outlives-its-agents", limit_of_a_guild_outlives_its_agents);
#undef ADD

        return host_tests_run();
}
