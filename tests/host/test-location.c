/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where agents are, as a host without Redis knows it: D-Bus answers for its own agents as it would for
 * all. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/locations.h"
#include "common/outcome.h"

#define ALWAYS "test-always" /* is started again after a long time */

static void expect_here(Client *c, const char *id)
{
        g_autofree char *here = location_here(c);

        location_expect(c, id, here);
}

/* "HOSTNAME=n" */
static void expect_load_here(Client *c, unsigned n)
{
        g_autofree char *hostname = client_property(c, MANAGER, "Hostname");
        g_autofree char *expected = n > 0 ? g_strdup_printf("%s=%u", hostname, n) : g_strdup("");

        location_expect_load(c, expected);
}

static void expect_members_here(Client *c, const char *expected)
{
        g_autofree char *hostname = client_property(c, MANAGER, "Hostname");

        location_expect_members(c, hostname, expected);
}

static void test_running_agents_are_here(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a/1" });
        create(c, &(Create){ .id = "a 2" });
        expect_here(c, "a/1");
        expect_here(c, "a 2");
        expect_load_here(c, 2);
        expect_members_here(c, "a 2 a/1");
        expect_true("IsAgentRunning", location_is_running(c, "a/1"));
}

static void test_without_redis_the_registry_is_off(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        client_expect_property(c, MANAGER, "RegistryState", "off");
        agent_expect(c, "a1", "Location", "off");
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_expect(c, "a1", "Location", "off");
}

static void test_unknown_agent_is_nowhere(void)
{
        _cleanup_client_ Client *c = agents_begin();

        location_expect(c, "a1", NULL);
        expect_false("IsAgentRunning", location_is_running(c, "a1"));
        location_expect(c, "", NULL);
        expect_load_here(c, 0);
        expect_members_here(c, "");
        location_expect_members(c, "host-9", "");
        location_expect_members(c, "", "");
}

static void test_stopped_agent_is_nowhere(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        location_expect(c, "a1", NULL);
        expect_members_here(c, "a2");
        expect_load_here(c, 1);
        expect_true("StopAgent", agent_stop(c, "a2", 0));
        expect_load_here(c, 0);
}

/* It stays listed, but that is ours. */
static void test_dead_agent_is_nowhere_at_once(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *cleaned = NULL;

        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        location_expect(c, "a1", NULL);
        expect_false("IsAgentRunning", location_is_running(c, "a1"));
        expect_load_here(c, 0);
        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "a1", cleaned);
}

static void test_failed_launch_gives_its_claim_back(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_write("test-missing", "[Runtime]\n%s\nExec=/nonexistent/agent\n", runtime_user());
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = "test-missing" }, ERROR_("StartFailed"), NULL);
        location_expect(c, "a1", NULL);
        expect_load_here(c, 0);
        create(c, &(Create){ .id = "a1" });
        expect_here(c, "a1");
}

static void test_agent_that_is_not_ready_in_time_is_nowhere(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_expect_error(c,
                &(Create){ .id = "a1",
                        .runtime = SILENT,
                        .wait = "ready",
                        .timeout_usec = 300 * USEC_PER_MSEC },
                ERROR_("StartTimeout"), NULL);
        location_expect(c, "a1", NULL);
}

static void test_agent_that_is_started_again_keeps_its_place(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add(ALWAYS, "notify", "ready wait", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = ALWAYS, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_expect(c, "a1", "State", "restarting");
        expect_here(c, "a1");
        expect_false("IsAgentRunning", location_is_running(c, "a1"));
        agent_restart(c, "a1");
        expect_here(c, "a1");
        expect_load_here(c, 1);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        location_expect(c, "a1", NULL);
}

static void test_stop_of_one_that_waits_to_be_started_frees_its_place(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add(ALWAYS, "notify", "ready wait", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = ALWAYS, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        location_expect(c, "a1", NULL);
        expect_load_here(c, 0);
}

static void test_restart_of_an_ended_agent_gives_it_a_place_again(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        location_expect(c, "a1", NULL);
        agent_restart(c, "a1");
        expect_here(c, "a1");
        expect_true("IsAgentRunning", location_is_running(c, "a1"));
        expect_load_here(c, 1);
}

static void test_shutdown_leaves_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
        location_expect(c, "a1", NULL);
        expect_load_here(c, 0);
}

static void test_places_are_known_again_after_a_crash(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "dies" });

        create(c, &(Create){ .id = "lives" });
        service_signal("agenthostd.service", SIGSTOP);
        kill(pid, SIGKILL);
        process_wait_end(pid);
        agenthostd_crash();
        agent_wait(c, "dies", "State", "failed");
        expect_here(c, "lives");
        location_expect(c, "dies", NULL);
        expect_load_here(c, 1);
}

static void test_place_of_one_that_waits_is_known_again_after_a_crash(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add(ALWAYS, "notify", "ready wait", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = ALWAYS, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agenthostd_crash();
        agent_wait(c, "a1", "State", "restarting");
        expect_here(c, "a1");
}

static void test_crash_of_the_launcher_changes_no_place(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        launcher_crash();
        create(c, &(Create){ .id = "a2" });
        expect_here(c, "a1");
        expect_load_here(c, 2);
}

static void test_agents_move_with_the_address_of_their_host(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        config_write("[Host]\nHostname=other\n[Peers]\nPort=50052\n");
        host_reload();
        create(c, &(Create){ .id = "a2" });
        location_expect(c, "a1", "other:50052");
        location_expect(c, "a2", "other:50052");
        location_expect_load(c, "other=2");
        location_expect_members(c, "other", "a1 a2");

        config_write("[Host]\nAddress=[fd00::1]:50053\n");
        host_reload();
        location_expect(c, "a1", "[fd00::1]:50053");
        location_expect_members(c, "[fd00::1]", "a1 a2");
        location_expect_load(c, "[fd00::1]=2");
        agent_expect(c, "a1", "HostAddress", "[fd00::1]:50053");
}

static void test_wrong_address_is_said_and_left_out(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *before = location_here(c);

        config_write("[Host]\nAddress=nocolon\n");
        host_reload();
        client_expect_property(c, MANAGER, "Address", before);
        expect_true("journal",
                journal_has(
                        "agenthostd.service", "[Host] Address=: Invalid host address format: 'nocolon'; "));
}

/* There is nowhere to take it from, which is no error. */
static void test_takeover_of_what_is_nowhere_is_a_launch(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .takeover = true });
        expect_here(c, "a1");
        create_expect_error(
                c, &(Create){ .id = "a1", .takeover = true }, ERROR_("AgentExists"), "already exists");
}

static void expect_unavailable(Client *c, const char *member, const char *types, const char *argument)
{
        call_expect_error(client_send(c, MANAGER, member, types, argument), ERROR_("RegistryUnavailable"),
                "[Registry]");
}

/* Wrong settings are a registry that is down for good. */
static void test_agents_live_without_a_registry(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "before" });
        config_write("[Registry]\nRedisUrl=nonsense\n");
        host_reload();
        client_expect_property(c, MANAGER, "RegistryState", "down");
        agent_expect(c, "before", "Location", "pending");

        create(c, &(Create){ .id = "a1" });
        agent_expect(c, "a1", "State", "running");
        agent_expect(c, "a1", "Location", "pending");
        expect_unavailable(c, "GetLocation", "s", "a1");
        expect_unavailable(c, "GetHostLoad", "", NULL);
        expect_unavailable(c, "GetHostAgents", "s", "x");
        expect_unavailable(c, "CleanupDeadAgents", "", NULL);
        expect_unavailable(c, "IsAgentRunning", "s", "elsewhere");
        expect_true("IsAgentRunning", location_is_running(c, "a1"));
        expect_true("StopAgent", agent_stop(c, "a1", 0));

        config_write("");
        host_reload();
        client_wait_property(c, MANAGER, "RegistryState", "off");
        agent_expect(c, "before", "Location", "off");
        expect_here(c, "before");
        expect_load_here(c, 1);
}

static void test_change_of_the_registry_is_told(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");
        g_autofree char *manager = NULL, *agent = NULL;

        create(c, &(Create){ .id = "a1" });
        config_write("[Registry]\nRedisUrl=nonsense\n");
        host_reload();
        manager = client_wait_changed(c, MANAGER, "RegistryState");
        expect_text("changes of the manager", "RegistryState=down", manager);
        agent = client_wait_changed(c, path, AGENT_INTERFACE, "Location");
        expect_text("changes of the agent", "Location=pending", agent);
}

static void test_password_in_the_url_is_never_printed(void)
{
        _cleanup_client_ Client *c = agents_begin();

        config_write("[Registry]\nRedisUrl=nonsense://user:s3cr3t@host\n");
        host_reload();
        client_expect_property(c, MANAGER, "RegistryState", "down");
        expect_true("journal", journal_has("agenthostd.service", "The registry cannot be used"));
        expect_false("journal", journal_has("agenthostd.service", "s3cr3t"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/location/" name, test_##function)
        ADD("running-agents-are-here", running_agents_are_here);
        ADD("without-redis-the-registry-is-off", without_redis_the_registry_is_off);
        ADD("unknown-agent-is-nowhere", unknown_agent_is_nowhere);
        ADD("stopped-agent-is-nowhere", stopped_agent_is_nowhere);
        ADD("dead-agent-is-nowhere-at-once", dead_agent_is_nowhere_at_once);
        ADD("failed-launch-gives-its-claim-back", failed_launch_gives_its_claim_back);
        ADD("agent-that-is-not-ready-in-time-is-nowhere", agent_that_is_not_ready_in_time_is_nowhere);
        ADD("agent-that-is-started-again-keeps-its-place", agent_that_is_started_again_keeps_its_place);
        ADD("stop-of-one-that-waits-to-be-started-frees-its-place",
                stop_of_one_that_waits_to_be_started_frees_its_place);
        ADD("restart-of-an-ended-agent-gives-it-a-place-again",
                restart_of_an_ended_agent_gives_it_a_place_again);
        ADD("shutdown-leaves-nothing", shutdown_leaves_nothing);
        ADD("places-are-known-again-after-a-crash", places_are_known_again_after_a_crash);
        ADD("place-of-one-that-waits-is-known-again-after-a-crash",
                place_of_one_that_waits_is_known_again_after_a_crash);
        ADD("crash-of-the-launcher-changes-no-place", crash_of_the_launcher_changes_no_place);
        ADD("agents-move-with-the-address-of-their-host", agents_move_with_the_address_of_their_host);
        ADD("wrong-address-is-said-and-left-out", wrong_address_is_said_and_left_out);
        ADD("takeover-of-what-is-nowhere-is-a-launch", takeover_of_what_is_nowhere_is_a_launch);
        ADD("agents-live-without-a-registry", agents_live_without_a_registry);
        ADD("change-of-the-registry-is-told", change_of_the_registry_is_told);
        ADD("password-in-the-url-is-never-printed", password_in_the_url_is_never_printed);
#undef ADD

        return host_tests_run();
}
