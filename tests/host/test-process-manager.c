/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The original's process manager, case by case: what its tests M1 to M16 expect, and what its code does
 * besides (M+).
 * ../data/contract.txt says which test stands for which case. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

static void expect_list(Client *c, const char *guild, const char *expected)
{
        g_autofree char *got = agent_list(c, guild);

        expect_text("ListAgents", expected, got);
}

static void expect_count(Client *c, const char *expected)
{
        client_expect_property(c, MANAGER, "AgentCount", expected);
}

/* Alive is what is running both for us and for the kernel. */
static void expect_alive(Client *c, const char *id, pid_t pid)
{
        _cleanup_agent_info_ AgentInfo info = { 0 };

        if (!agent_info(c, id, &info))
                fail("agent %s: expected it to be known, it is not", id);
        expect_true("is_alive", info.alive);
        expect_number("pid", pid, info.pid);
        expect_true("its process", process_is_alive(pid));
}

static bool is_running(Client *c, const char *id)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "IsAgentRunning", "s", id);
        int running;

        must(sd_bus_message_read(answer, "b", &running), "reading IsAgentRunning's answer");
        return running;
}

static unsigned shutdown_agents(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "ShutdownAgents", "u", 0u);
        uint32_t stopped;

        must(sd_bus_message_read(answer, "u", &stopped), "reading ShutdownAgents' answer");
        return stopped;
}

static void limit_agents(unsigned max)
{
        g_autofree char *text = g_strdup_printf("[Host]\nMaxAgents=%u\n", max);

        config_write(text);
        host_reload();
}

static void test_limit_is_that_of_the_settings(void)
{
        _cleanup_client_ Client *c = agents_begin();

        limit_agents(10);
        client_expect_property(c, MANAGER, "MaxAgents", "10");
        expect_count(c, "0");
        expect_list(c, "", "");
}

static void test_environment_variable_sets_the_limit(void)
{
        _cleanup_client_ Client *c = NULL;

        config_write("[Host]\nMaxAgents=10\n");
        unit_write("agenthostd.service", "[Service]\nEnvironment=MAX_PROCESSES=7\n");
        g_free(systemctl("restart agenthostd.service"));
        c = client_new();
        client_expect_property(c, MANAGER, "MaxAgents", "7");
}

static void test_default_limit_is_a_hundred(void)
{
        _cleanup_client_ Client *c = client_new();

        client_expect_property(c, MANAGER, "MaxAgents", "100");
}

static void test_created_agent_is_tracked_and_alive(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "test-agent-1" });

        expect_list(c, "", "test-agent-1");
        expect_alive(c, "test-agent-1", pid);
        expect_true("IsAgentRunning", is_running(c, "test-agent-1"));
        expect_count(c, "1");
}

static void test_several_agents_are_tracked(void)
{
        static const char *const ids[] = { "a1", "a2", "a3" };
        _cleanup_client_ Client *c = agents_begin();
        pid_t pids[ELEMENTSOF(ids)];

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                pids[i] = create(c, &(Create){ .id = ids[i] });
        expect_list(c, "", "a1 a2 a3");
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                expect_alive(c, ids[i], pids[i]);
        expect_number("processes", ELEMENTSOF(ids), agent_process_count());
}

static void test_limit_is_enforced(void)
{
        _cleanup_client_ Client *c = agents_begin();

        limit_agents(2);
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        create_expect_error(c, &(Create){ .id = "a3" }, ERROR_("LimitReached"),
                "Maximum number of processes (2) reached");
        expect_list(c, "", "a1 a2");
        expect_number("processes", 2, agent_process_count());
}

static void test_id_is_taken_once(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "test-agent-1" });

        create_expect_error(c, &(Create){ .id = "test-agent-1" }, ERROR_("AgentExists"),
                "Agent test-agent-1 already exists");
        expect_list(c, "", "test-agent-1");
        expect_alive(c, "test-agent-1", pid);
}

static void test_stopped_agent_is_gone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1" });

        expect_true("StopAgent", agent_stop(c, "a1", 5));
        expect_false("its process", process_is_alive(pid));
        expect_false("IsAgentRunning", is_running(c, "a1"));
        expect_list(c, "", "");
        expect_count(c, "0");
}

static void test_stop_of_unknown_agent_is_false(void)
{
        _cleanup_client_ Client *c = client_new();

        expect_false("StopAgent", agent_stop(c, "nobody", 0));
}

static void test_several_agents_stop_in_their_own_time(void)
{
        static const char *const ids[] = { "a1", "a2", "a3" };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                create(c, &(Create){ .id = ids[i] });
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                expect_true("StopAgent", agent_stop(c, ids[i], 0));
        expect_list(c, "", "");
        expect_number("processes", 0, agent_process_count());
}

static void test_info_tells_who_and_when(void)
{
        _cleanup_client_ Client *c = agents_begin();
        uint64_t before = (uint64_t)g_get_real_time();
        _cleanup_agent_info_ AgentInfo info = { 0 };
        _cleanup_free_ char *path = agent_path("test-agent-1");

        create(c, &(Create){ .id = "test-agent-1", .name = "TestAgent1", .guild = "test-guild" });
        expect_true("GetAgentInfo", agent_info(c, "test-agent-1", &info));
        expect_text("id", "test-agent-1", info.id);
        expect_text("guild_id", "test-guild", info.guild);
        expect_text("name", "TestAgent1", info.name);
        expect_text("path", path, info.path);
        expect_text("state", "running", info.state);
        expect_true("pid", info.pid > 0);
        expect_true("is_alive", info.alive);
        expect_true("created_at",
                info.created_at_usec >= before && info.created_at_usec <= (uint64_t)g_get_real_time());
}

static void test_info_of_unknown_agent_is_an_error(void)
{
        _cleanup_client_ Client *c = client_new();

        call_expect_error(client_send(c, MANAGER, "GetAgentInfo", "s", "nobody"), ERROR_("NoSuchAgent"),
                "Agent nobody not found");
        call_expect_error(client_send(c, MANAGER, "GetAgent", "s", "nobody"), ERROR_("NoSuchAgent"),
                "Agent nobody not found");
        call_expect_error(client_send(c, MANAGER, "GetAgentSpec", "s", "nobody"), ERROR_("NoSuchAgent"),
                "Agent nobody not found");
}

static void test_list_has_exactly_the_agents(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        expect_list(c, "", "a1 a2");
}

static void test_list_is_filtered_by_guild(void)
{
        _cleanup_client_ Client *c = agents_begin();

        /* What an agent's spec says of its guild does not count. */
        create(c,
                &(Create){ .agent_spec = "{\"id\":\"a1\",\"name\":\"n\",\"guild_id\":\"guild-2\"}",
                        .guild = "guild-1" });
        create(c, &(Create){ .id = "a2", .guild = "guild-1" });
        create(c, &(Create){ .id = "a3", .guild = "guild-2" });
        expect_list(c, "guild-1", "a1 a2");
        expect_list(c, "guild-2", "a3");
        expect_list(c, "guild", "");
        expect_list(c, "", "a1 a2 a3");
}

static void test_cleanup_after_a_stop_finds_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *cleaned = NULL;

        create(c, &(Create){ .id = "a1" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "", cleaned);
}

static void test_shutdown_stops_everything(void)
{
        static const char *const ids[] = { "a1", "a2", "a3" };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                create(c, &(Create){ .id = ids[i] });
        expect_number("ShutdownAgents", 3, shutdown_agents(c));
        expect_list(c, "", "");
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                expect_false(ids[i], agent_is_known(c, ids[i]));
        expect_number("processes", 0, agent_process_count());
        expect_count(c, "0");
}

static void test_shutdown_of_nothing_is_no_error(void)
{
        _cleanup_client_ Client *c = client_new();

        expect_number("ShutdownAgents", 0, shutdown_agents(c));
}

static void test_limit_comes_before_the_duplicate(void)
{
        _cleanup_client_ Client *c = agents_begin();

        limit_agents(1);
        create(c, &(Create){ .id = "a1" });
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("LimitReached"),
                "Maximum number of processes (1) reached");
}

/* The original counted the dead until they were swept. */
static void test_dead_agents_count_for_neither(void)
{
        _cleanup_client_ Client *c = agents_begin();

        limit_agents(1);
        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        create(c, &(Create){ .id = "a1" });
        agent_expect(c, "a1", "State", "running");
}

static void test_dead_agent_stays_listed_until_cleanup(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_agent_info_ AgentInfo info = { 0 };
        g_autofree char *cleaned = NULL;

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a2" });
        agent_signal(c, "a1", SIGTERM);
        agent_wait_end(c, "a1", "success", 0);

        expect_list(c, "", "a1 a2");
        expect_true("GetAgentInfo", agent_info(c, "a1", &info));
        expect_false("is_alive", info.alive);
        expect_text("state", "exited", info.state);
        expect_number("pid", 0, info.pid);
        expect_false("IsAgentRunning", is_running(c, "a1"));

        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "a1", cleaned);
        expect_list(c, "", "a2");
        expect_false("a1", agent_is_known(c, "a1"));
}

/* The original left a child behind that ignored SIGTERM. */
static void test_agent_that_is_not_ready_in_time_is_killed_whole(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-late", "notify", "ignore-term children=2 wait", "StartTimeoutSec=1");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = "test-late", .wait = "ready" },
                ERROR_("StartTimeout"), "Agent a1 failed to start within 1s");
        expect_number("processes", 0, agent_process_count());
        expect_count(c, "0");
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "timeout");
}

static void test_unknown_agent_is_not_running(void)
{
        _cleanup_client_ Client *c = client_new();

        expect_false("IsAgentRunning", is_running(c, "nobody"));
}

static void test_stop_of_a_dead_agent_forgets_it(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_false("a1", agent_is_known(c, "a1"));
}

static void test_type_says_what_ready_means(void)
{
        _cleanup_client_ Client *c = agents_begin();
        Call *waiting;

        create(c, &(Create){ .id = "exec", .runtime = EXEC, .wait = "ready" });
        agent_expect(c, "exec", "State", "running");

        create(c, &(Create){ .id = "silent", .runtime = SILENT, .wait = "launched" });
        agent_expect(c, "silent", "State", "starting");
        expect_true("IsAgentRunning", is_running(c, "silent"));

        waiting = create_send(c, &(Create){ .id = "slow", .runtime = SILENT, .wait = "ready" });
        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "slow"));
        agent_expect(c, "slow", "State", "starting");
        expect_false("CreateAgent is answered", call_is_answered(waiting));
        agent_let_be_ready(c, "slow");
        sd_bus_message_unref(call_success(waiting));
        agent_expect(c, "slow", "State", "running");
}

static void test_health_counts_the_living(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_message_ sd_bus_message *answer = NULL;
        g_autofree char *host = g_strstrip(command("uname -n"));
        const char *hostname;
        uint32_t count;
        int healthy;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        agent_signal(c, "a2", SIGKILL);
        agent_wait_end(c, "a2", "signal", SIGKILL);
        answer = client_call(c, MANAGER, "Health", "");
        must(sd_bus_message_read(answer, "bus", &healthy, &count, &hostname), "reading Health's answer");
        expect_true("healthy", healthy);
        expect_number("agent_count", 1, count);
        expect_text("hostname", host, hostname);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/process-manager/" name, test_##function)
        ADD("M1-limit-is-that-of-the-settings", limit_is_that_of_the_settings);
        ADD("M1-environment-variable-sets-the-limit", environment_variable_sets_the_limit);
        ADD("M2-default-limit-is-a-hundred", default_limit_is_a_hundred);
        ADD("M3-created-agent-is-tracked-and-alive", created_agent_is_tracked_and_alive);
        ADD("M4-several-agents-are-tracked", several_agents_are_tracked);
        ADD("M5-limit-is-enforced", limit_is_enforced);
        ADD("M6-id-is-taken-once", id_is_taken_once);
        ADD("M7-stopped-agent-is-gone", stopped_agent_is_gone);
        ADD("M8-stop-of-unknown-agent-is-false", stop_of_unknown_agent_is_false);
        ADD("M9-several-agents-stop-in-their-own-time", several_agents_stop_in_their_own_time);
        ADD("M10-info-tells-who-and-when", info_tells_who_and_when);
        ADD("M11-info-of-unknown-agent-is-an-error", info_of_unknown_agent_is_an_error);
        ADD("M12-list-has-exactly-the-agents", list_has_exactly_the_agents);
        ADD("M13-list-is-filtered-by-guild", list_is_filtered_by_guild);
        ADD("M14-cleanup-after-a-stop-finds-nothing", cleanup_after_a_stop_finds_nothing);
        ADD("M15-shutdown-stops-everything", shutdown_stops_everything);
        ADD("M16-shutdown-of-nothing-is-no-error", shutdown_of_nothing_is_no_error);
        ADD("M+1-limit-comes-before-the-duplicate", limit_comes_before_the_duplicate);
        ADD("M+1-dead-agents-count-for-neither", dead_agents_count_for_neither);
        ADD("M+2-dead-agent-stays-listed-until-cleanup", dead_agent_stays_listed_until_cleanup);
        ADD("M+3-agent-that-is-not-ready-in-time-is-killed-whole",
                agent_that_is_not_ready_in_time_is_killed_whole);
        ADD("M+4-unknown-agent-is-not-running", unknown_agent_is_not_running);
        ADD("M+4-stop-of-a-dead-agent-forgets-it", stop_of_a_dead_agent_forgets_it);
        ADD("M+5-type-says-what-ready-means", type_says_what_ready_means);
        ADD("S11-health-counts-the-living", health_counts_the_living);
#undef ADD

        return host_tests_run();
}
