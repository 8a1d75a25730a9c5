/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long agents that have ended stay listed, and what makes them go. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

static Client *begin_with(const char *settings)
{
        Client *c = agents_begin();

        config_write(settings);
        host_reload();
        return c;
}

static void let_end(Client *c, const char *id, bool well)
{
        create(c, &(Create){ .id = id, .runtime = NOTIFY, .wait = "ready" });
        agent_signal(c, id, well ? SIGTERM : SIGKILL);
        agent_wait_end(c, id, well ? "success" : "signal", well ? 0 : SIGKILL);
}

static void test_ended_agents_go_when_their_time_is_up(void)
{
        _cleanup_client_ Client *c = begin_with("[Host]\nRetainSec=1\nRetainFailedSec=1h\n");

        let_end(c, "failed", false);
        let_end(c, "well", true);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "well"));
        expect_false("well", agent_is_known(c, "well"));
        agent_expect(c, "failed", "State", "failed");
}

static void test_failed_agents_have_a_time_of_their_own(void)
{
        _cleanup_client_ Client *c = begin_with("[Host]\nRetainSec=1h\nRetainFailedSec=1\n");

        let_end(c, "well", true);
        let_end(c, "failed", false);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "failed"));
        expect_false("failed", agent_is_known(c, "failed"));
        agent_expect(c, "well", "State", "exited");
}

static void test_time_runs_on_while_agenthostd_is_away(void)
{
        _cleanup_client_ Client *c = begin_with("[Host]\nRetainSec=1\n");

        let_end(c, "a1", true);
        g_free(systemctl("stop agenthostd.service"));
        g_free(systemctl("start agenthostd.service"));
        if (agent_is_known(c, "a1"))
                sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        expect_false("a1", agent_is_known(c, "a1"));
}

static void test_no_time_at_all_forgets_at_once(void)
{
        _cleanup_client_ Client *c = begin_with("[Host]\nRetainSec=0\nRetainFailedSec=0\n");

        let_end(c, "well", true);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "well"));
        let_end(c, "failed", false);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "failed"));
}

static void test_cleanup_names_what_it_forgets(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *cleaned = NULL, *again = NULL, *list = NULL;

        create(c, &(Create){ .id = "living" });
        let_end(c, "well", true);
        let_end(c, "failed", false);
        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "failed well", cleaned);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "well"));
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "failed"));
        again = agents_clean_up(c);
        expect_text("CleanupDeadAgents once more", "", again);
        list = agent_list(c, "");
        expect_text("ListAgents", "living", list);
}

static void test_ended_agent_makes_way_for_its_id(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) states = NULL;

        let_end(c, "a1", false);
        create(c, &(Create){ .id = "a1", .name = "Second" });
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        agent_expect(c, "a1", "State", "running");
        agent_expect(c, "a1", "Name", "Second");
        agent_expect(c, "a1", "Result", "success");
        agent_expect(c, "a1", "ExitStatus", "0");
        agent_expect(c, "a1", "ExitedAt", "0");
        states = state_list();
        expect_number("state files", 1, g_strv_length(states));
}

/* Whom a failed CreateAgent has pushed aside for nothing would be missed. */
static void test_ended_agent_stays_when_its_successor_is_refused(void)
{
        _cleanup_client_ Client *c = begin_with("[Host]\nMaxAgents=1\n");

        let_end(c, "a1", false);
        create(c, &(Create){ .id = "a2" });
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("LimitReached"), NULL);
        agent_expect(c, "a1", "State", "failed");
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = "nobody-made-it" }, ERROR_("NoSuchRuntime"), NULL);
        agent_expect(c, "a1", "State", "failed");
}

static void test_request_of_an_ended_agent_is_answered_again(void)
{
        static const Create request = { .id = "a1", .runtime = NOTIFY, .wait = "ready", .request_id = "r1" };
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &request);

        agent_signal(c, "a1", SIGTERM);
        agent_wait_end(c, "a1", "success", 0);
        expect_number("pid", pid, create(c, &request));
        expect_number("processes", 0, agent_process_count());
        create(c, &(Create){ .id = "a1", .request_id = "r2" });
        expect_number("processes", 1, agent_process_count());
}

static void test_failed_start_is_kept_with_its_cause(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *cleaned = NULL;

        runtime_add("test-fails", "notify", "status=no\\040key exit=3", NULL);
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = "test-fails", .wait = "ready" },
                ERROR_("StartFailed"), "its last status: no key");
        agent_expect(c, "a1", "StatusText", "no key");
        agent_expect(c, "a1", "Result", "exit-code");
        agent_expect(c, "a1", "ExitStatus", "3");
        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "a1", cleaned);
}

static void test_shutdown_forgets_the_living_and_the_dead(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_message_ sd_bus_message *answer = NULL;
        g_autofree char *list = NULL;
        uint32_t stopped;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2", .runtime = STUBBORN, .wait = "ready" });
        create(c, &(Create){ .id = "a3", .runtime = SILENT });
        let_end(c, "a4", true);
        answer = client_call(c, MANAGER, "ShutdownAgents", "u", 1u);
        must(sd_bus_message_read(answer, "u", &stopped), "reading ShutdownAgents' answer");
        expect_number("stopped", 3, stopped);
        list = agent_list(c, "");
        expect_text("ListAgents", "", list);
        expect_number("processes", 0, agent_process_count());
        create(c, &(Create){ .id = "a1" });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/retention/" name, test_##function)
        ADD("ended-agents-go-when-their-time-is-up", ended_agents_go_when_their_time_is_up);
        ADD("failed-agents-have-a-time-of-their-own", failed_agents_have_a_time_of_their_own);
        ADD("time-runs-on-while-agenthostd-is-away", time_runs_on_while_agenthostd_is_away);
        ADD("no-time-at-all-forgets-at-once", no_time_at_all_forgets_at_once);
        ADD("cleanup-names-what-it-forgets", cleanup_names_what_it_forgets);
        ADD("ended-agent-makes-way-for-its-id", ended_agent_makes_way_for_its_id);
        ADD("ended-agent-stays-when-its-successor-is-refused",
                ended_agent_stays_when_its_successor_is_refused);
        ADD("request-of-an-ended-agent-is-answered-again", request_of_an_ended_agent_is_answered_again);
        ADD("failed-start-is-kept-with-its-cause", failed_start_is_kept_with_its_cause);
        ADD("shutdown-forgets-the-living-and-the-dead", shutdown_forgets_the_living_and_the_dead);
#undef ADD

        return host_tests_run();
}
