/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthostd is killed while clients wait for its answers: they get an error, what they asked for is done
 * once, and a repeated request says so. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

static void expect_error_answer(Call *call)
{
        _cleanup_message_ sd_bus_message *answer = call_answer(call);

        expect_true(
                "the waiting call is answered with an error", sd_bus_message_is_method_error(answer, NULL));
}

static void test_waiting_create_gets_an_error_and_no_second_agent(void)
{
        static const Create request = { .id = "a1", .runtime = SILENT, .wait = "ready", .request_id = "r1" };
        Create repeated = request;
        _cleanup_client_ Client *c = agents_begin();
        Call *call = create_send(c, &request);
        g_autofree char *pid = NULL, *pid_after = NULL;

        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "a1"));
        pid = agent_property(c, "a1", "MainPID");
        agenthostd_crash();
        expect_error_answer(call);

        repeated.wait = NULL;
        pid_after = g_strdup_printf("%d", (int)create(c, &repeated));
        expect_text("pid", pid, pid_after);
        expect_number("processes", 1, agent_process_count());

        call = create_send(c, &request);
        agent_let_be_ready(c, "a1");
        sd_bus_message_unref(call_success(call));
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"), NULL);
}

/* An orderly stop has time for an answer. */
static void test_waiting_create_is_told_of_a_stop(void)
{
        _cleanup_client_ Client *c = agents_begin();
        Call *call = create_send(c, &(Create){ .id = "a1", .runtime = SILENT, .wait = "ready" });

        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "a1"));
        g_free(systemctl("restart agenthostd.service"));
        call_expect_error(call, SD_BUS_ERROR_FAILED, "agenthostd is stopping");
        agent_expect(c, "a1", "State", "starting");
}

/* The launcher holds still, so the crash falls between the request to it and its answer. */
static void test_crash_while_launching_gives_one_agent(void)
{
        static const Create request = { .id = "a1", .request_id = "r1" };
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) states = NULL;
        Call *call;

        /* The answer behind it comes when CreateAgent has been worked on: who calls is known by then. */
        g_free(agents_clean_up(c));
        service_signal("agenthost-launcher.service", SIGSTOP);
        call = create_send(c, &request);
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        states = state_list();
        expect_text("state file", "agent-a1.scope", states[0]);

        service_signal("agenthostd.service", SIGKILL);
        service_signal("agenthost-launcher.service", SIGCONT);
        expect_error_answer(call);
        create(c, &request);
        agent_expect(c, "a1", "State", "running");
        expect_number("processes", 1, agent_process_count());
}

/* Killed when so many signals of so many launches have come: queued, launching, launched, all of them. */
static void crash_amid_launches(Client *c, unsigned n_agents, unsigned n_seen)
{
        Call *calls[8] = { NULL };

        g_assert(n_agents <= ELEMENTSOF(calls));
        for (unsigned i = 0; i < n_agents; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                calls[i] = create_send(c, &(Create){ .id = id, .request_id = id });
        }
        for (unsigned i = 0; i < n_seen; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                sd_bus_message_unref(client_take_signal(c, "AgentAdded", id));
        }
        agenthostd_crash();
        for (unsigned i = 0; i < n_agents; i++)
                sd_bus_message_unref(call_answer(calls[i]));
}

static void test_crash_amid_launches_loses_and_doubles_none(void)
{
        enum { AGENTS = 8 };
        _cleanup_client_ Client *c = agents_begin();

        for (unsigned n_seen = 0; n_seen <= AGENTS; n_seen++) {
                g_auto(GStrv) scopes = NULL;

                crash_amid_launches(c, AGENTS, n_seen);
                for (unsigned i = 0; i < AGENTS; i++) {
                        g_autofree char *id = g_strdup_printf("a%u", i);
                        pid_t pid = create(c, &(Create){ .id = id, .request_id = id });

                        expect_true("its process", process_is_alive(pid));
                }
                scopes = scope_list();
                expect_number("scopes", AGENTS, g_strv_length(scopes));
                expect_number("processes", AGENTS, agent_process_count());
                sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 1u));
                client_drop_signals(c);
        }
}

static void wait_until_no_agents(Client *c)
{
        g_autofree char *list = NULL;

        client_wait_property(c, MANAGER, "AgentCount", "0");
        list = agent_list(c, "");
        expect_text("ListAgents", "", list);
}

static void test_stops_are_carried_through_over_a_crash(void)
{
        static const char *const ids[] = { "a1", "a2", "a3" };
        _cleanup_client_ Client *c = agents_begin();
        Call *call;

        /* They ignore SIGTERM, so the crash comes before their end. */
        runtime_add("test-slow", "notify", "ignore-term children=1 ready wait", "StopTimeoutSec=1");
        host_reload();
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                create(c, &(Create){ .id = ids[i], .runtime = "test-slow", .wait = "ready" });
        call = client_send(c, MANAGER, "ShutdownAgents", "u", 0u);
        agent_wait(c, "a3", "State", "stopping");
        agenthostd_crash();
        expect_error_answer(call);

        wait_until_no_agents(c);
        expect_number("processes", 0, agent_process_count());
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/restart-calls/" name, test_##function)
        ADD("waiting-create-gets-an-error-and-no-second-agent",
                waiting_create_gets_an_error_and_no_second_agent);
        ADD("waiting-create-is-told-of-a-stop", waiting_create_is_told_of_a_stop);
        ADD("crash-while-launching-gives-one-agent", crash_while_launching_gives_one_agent);
        ADD("crash-amid-launches-loses-and-doubles-none", crash_amid_launches_loses_and_doubles_none);
        ADD("stops-are-carried-through-over-a-crash", stops_are_carried_through_over_a_crash);
#undef ADD

        return host_tests_run();
}
