/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host that drains takes no new agents, keeps those that it has or ends them, and does so until it is told
 * to resume, whoever dies meanwhile. Run in both modes. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

#define ALWAYS "test-always" /* is started again after a long time */
#define SOON "test-soon" /* at once */

static Client *begin(void)
{
        runtime_add(ALWAYS, "notify", "ready wait", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        runtime_add(SOON, "notify", "ready wait", "Restart=always\nRestartSec=1ms");
        return agents_begin();
}

static Call *drain_send(Client *c, bool stop_agents, uint32_t timeout_sec)
{
        return client_send(c, MANAGER, "Drain", "bu", stop_agents, timeout_sec);
}

static void expect_stopped(Call *call, unsigned expected)
{
        _cleanup_message_ sd_bus_message *m = call_success(call);
        uint32_t n;

        must(sd_bus_message_read(m, "u", &n), "reading how many were stopped");
        expect_number("agents stopped", expected, n);
}

static void drain(Client *c)
{
        expect_stopped(drain_send(c, false, 0), 0);
}

static void resume(Client *c)
{
        sd_bus_message_unref(client_call(c, MANAGER, "Resume", ""));
}

static void expect_draining(Client *c, bool expected)
{
        client_expect_property(c, MANAGER, "Draining", expected ? "true" : "false");
}

static void expect_refused(Client *c, const char *id)
{
        create_expect_error(c, &(Create){ .id = id }, ERROR_("Draining"), "is draining");
        expect_false("the refused agent is known", agent_is_known(c, id));
}

static void expect_agents(Client *c, const char *expected)
{
        g_autofree char *list = agent_list(c, "");

        expect_text("agents", expected, list);
}

static Call *restart_send(Client *c, const char *id)
{
        _cleanup_free_ char *path = agent_path(id);

        return client_send(c, path, AGENT_INTERFACE, "Restart", "");
}

static void kill_and_wait(Client *c, const char *id, const char *state)
{
        agent_signal(c, id, SIGKILL);
        agent_wait(c, id, "State", state);
}

static void test_draining_host_takes_no_new_agents(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *on = NULL, *off = NULL;

        expect_draining(c, false);
        create(c, &(Create){ .id = "a1" });
        drain(c);
        on = client_wait_changed(c, MANAGER, "Draining");
        expect_text("changes", "Draining=true", on);
        expect_draining(c, true);
        expect_refused(c, "a2");
        create_expect_error(c, &(Create){ .id = "a2" }, ERROR_("Draining"),
                mode_is_user() ? "'agentctl --user resume'" : "'agentctl resume'");
        agent_expect(c, "a1", "State", "running");

        resume(c);
        off = client_wait_changed(c, MANAGER, "Draining");
        expect_text("changes", "Draining=false", off);
        create(c, &(Create){ .id = "a2" });
        expect_agents(c, "a1 a2");
}

static void test_repeats_change_nothing_and_tell_nothing(void)
{
        _cleanup_client_ Client *c = begin();
        g_auto(GStrv) signals = NULL;

        resume(c);
        expect_draining(c, false);
        drain(c);
        g_free(client_wait_changed(c, MANAGER, "Draining"));
        client_drop_signals(c);
        drain(c);
        expect_draining(c, true);
        signals = client_list_signals(c);
        expect_text("signals", NULL, signals[0]);
        resume(c);
        expect_draining(c, false);
}

static void test_repeated_request_is_answered_first_then_draining_comes(void)
{
        static const Create request = { .id = "a1", .request_id = "r1" };
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &request);

        drain(c);
        expect_number("pid", pid, create(c, &request));
        create_expect_error(
                c, &(Create){ .id = "a2", .request_id = "r1" }, INVALID_ARGS, "was used for agent a1");
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("Draining"), NULL);
        create_expect_error(c, &(Create){ .id = "a2", .runtime = "test-none" }, ERROR_("Draining"), NULL);
        create_expect_error(c, &(Create){ .agent_spec = "{}" }, ERROR_("InvalidSpec"), NULL);

        config_write("[Host]\nMaxAgents=1\n");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a2" }, ERROR_("Draining"), NULL);
        resume(c);
        create_expect_error(c, &(Create){ .id = "a2" }, ERROR_("LimitReached"), NULL);
}

static void test_agents_that_are_kept_are_restarted(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "soon", .runtime = SOON, .wait = "ready" });
        create(c, &(Create){ .id = "later", .runtime = ALWAYS, .wait = "ready" });
        kill_and_wait(c, "later", "restarting");
        drain(c);
        agent_expect(c, "later", "State", "restarting");
        agent_signal(c, "soon", SIGKILL);
        agent_wait(c, "soon", "Restarts", "1");
        agent_wait(c, "soon", "State", "running");

        /* On request too. */
        agent_restart(c, "soon");
        agent_restart(c, "later");
        agent_wait(c, "later", "State", "running");
        expect_draining(c, true);
}

static void test_agent_that_has_ended_is_a_new_one(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        kill_and_wait(c, "a1", "failed");
        drain(c);
        call_expect_error(restart_send(c, "a1"), ERROR_("Draining"), NULL);
        agent_expect(c, "a1", "State", "failed");
        resume(c);
        agent_restart(c, "a1");
        agent_wait(c, "a1", "State", "running");
}

static void test_all_agents_are_stopped_at_the_same_time(void)
{
        _cleanup_client_ Client *c = begin();
        Call *call;

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = STUBBORN, .wait = "ready" });
        create(c, &(Create){ .id = "gone" });
        kill_and_wait(c, "gone", "failed");
        call = drain_send(c, true, 3600);
        agent_wait(c, "a1", "State", "stopping");
        agent_wait(c, "a2", "State", "stopping");
        expect_refused(c, "a3");
        expect_false("Drain is answered before the agents have ended", call_is_answered(call));

        agent_signal(c, "a1", SIGKILL);
        agent_signal(c, "a2", SIGKILL);
        expect_stopped(call, 2);
        expect_agents(c, "gone");
        expect_number("processes", 0, agent_process_count());
}

static void test_agents_are_killed_when_their_time_is_over(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-long", "notify", "ignore-term ready wait", "StopTimeoutSec=1h");
        c = begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-long", .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = "test-long", .wait = "ready" });
        create(c, &(Create){ .id = "a3", .runtime = SOON, .wait = "ready" });
        expect_stopped(drain_send(c, true, 1), 3);
        expect_agents(c, "");
        expect_draining(c, true);
}

static void test_agents_that_wait_to_be_restarted_end_too(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "later", .runtime = ALWAYS, .wait = "ready" });
        kill_and_wait(c, "later", "restarting");
        expect_stopped(drain_send(c, true, 0), 1);
        expect_agents(c, "");
        client_expect_property(c, MANAGER, "AgentCount", "0");
}

static void test_agents_that_are_being_started_end_too(void)
{
        _cleanup_client_ Client *c = begin();
        Call *starting = create_send(c, &(Create){ .id = "a1", .runtime = SILENT, .wait = "ready" }), *call;

        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "a1"));
        call = drain_send(c, true, 1);
        call_expect_error(starting, ERROR_("StartFailed"), "stopped before it was ready");
        expect_stopped(call, 1);
        expect_agents(c, "");
}

static void test_resume_calls_no_stop_back(void)
{
        _cleanup_client_ Client *c = begin();
        Call *call;

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        call = drain_send(c, true, 3600);
        agent_wait(c, "a1", "State", "stopping");
        resume(c);
        create(c, &(Create){ .id = "a2" });
        agent_expect(c, "a1", "State", "stopping");
        agent_signal(c, "a1", SIGKILL);
        expect_stopped(call, 1);
        expect_agents(c, "a2");

        /* Nor is a later life of agenthostd one of the order. */
        agenthostd_crash();
        agent_expect(c, "a2", "State", "running");
}

static void test_draining_outlives_agenthostd(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        drain(c);
        agenthostd_crash();
        expect_draining(c, true);
        expect_refused(c, "a2");
        agent_expect(c, "a1", "State", "running");
        g_free(systemctl("stop " AGENTHOSTD));
        g_free(systemctl("start " AGENTHOSTD));
        expect_draining(c, true);
        host_reload();
        expect_draining(c, true);

        resume(c);
        agenthostd_crash();
        expect_draining(c, false);
        create(c, &(Create){ .id = "a2" });
}

/* In place of what agenthostd has written. */
static void write_order(const char *text)
{
        g_autofree char *path = g_build_filename(mode_paths()->state_dir, "draining", NULL);

        expect_true("there is an order", g_file_test(path, G_FILE_TEST_EXISTS));
        expect_true("it is replaced", g_file_set_contents(path, text, -1, NULL));
        expect_true("it can be read", g_chmod(path, 0644) == 0);
}

static void test_file_that_cannot_be_read_means_draining_and_stops_nothing(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        drain(c);
        write_order("{\"stop_agents\":true");
        agenthostd_crash();
        expect_draining(c, true);
        agent_expect(c, "a1", "State", "running");
        expect_true("journal", journal_has(AGENTHOSTD, "/draining says cannot be read"));
        resume(c);
        agenthostd_crash();
        expect_draining(c, false);
}

static bool has_no_agents(Client *c, void *userdata)
{
        g_autofree char *list = agent_list(c, "");

        (void)userdata;
        return !*list;
}

static bool has_only_gone(Client *c, void *userdata)
{
        g_autofree char *list = agent_list(c, "");

        (void)userdata;
        return strcmp(list, "gone") == 0;
}

/* Whoever dies when: the agents end, and none of them is started again. */
static void test_stops_go_on_when_agenthostd_dies(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_message_ sd_bus_message *answer = NULL;
        Call *call;

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .restart = "always", .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = SOON, .wait = "ready" });
        /* The launcher hears of nothing before agenthostd is dead. */
        service_signal(LAUNCHER, SIGSTOP);
        call = drain_send(c, true, 2);
        client_wait_property(c, MANAGER, "Draining", "true");
        service_signal(AGENTHOSTD, SIGKILL);
        answer = call_answer(call);
        expect_true("Drain is answered with an error", sd_bus_message_is_method_error(answer, NULL));
        service_signal(LAUNCHER, SIGCONT);

        expect_draining(c, true);
        client_wait(c, has_no_agents, NULL, "the end of the agents");
        expect_number("processes", 0, agent_process_count());
        expect_refused(c, "a3");
        /* Who asks again hears that all is done. */
        expect_stopped(drain_send(c, true, 0), 0);
}

/* It died when it had written the order down and before it had asked for the first stop. */
static void test_order_to_stop_that_was_not_begun_is_carried_out(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "later", .runtime = ALWAYS, .wait = "ready" });
        create(c, &(Create){ .id = "gone" });
        create(c, &(Create){ .id = "stubborn", .runtime = STUBBORN, .wait = "ready" });
        kill_and_wait(c, "later", "restarting");
        kill_and_wait(c, "gone", "failed");
        drain(c);
        write_order("{\"format\":1,\"stop_agents\":true,\"timeout_usec\":1000000}");
        agenthostd_crash();
        client_wait(c, has_only_gone, NULL, "the end of the agents");
        expect_number("processes", 0, agent_process_count());
        expect_draining(c, true);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/drain/" name, test_##function)
        ADD("draining-host-takes-no-new-agents", draining_host_takes_no_new_agents);
        ADD("repeats-change-nothing-and-tell-nothing", repeats_change_nothing_and_tell_nothing);
        ADD("repeated-request-is-answered-first-then-draining-comes",
                repeated_request_is_answered_first_then_draining_comes);
        ADD("agents-that-are-kept-are-restarted", agents_that_are_kept_are_restarted);
        ADD("agent-that-has-ended-is-a-new-one", agent_that_has_ended_is_a_new_one);
        ADD("all-agents-are-stopped-at-the-same-time", all_agents_are_stopped_at_the_same_time);
        ADD("agents-are-killed-when-their-time-is-over", agents_are_killed_when_their_time_is_over);
        ADD("agents-that-wait-to-be-restarted-end-too", agents_that_wait_to_be_restarted_end_too);
        ADD("agents-that-are-being-started-end-too", agents_that_are_being_started_end_too);
        ADD("resume-calls-no-stop-back", resume_calls_no_stop_back);
        ADD("draining-outlives-agenthostd", draining_outlives_agenthostd);
        ADD("file-that-cannot-be-read-means-draining-and-stops-nothing",
                file_that_cannot_be_read_means_draining_and_stops_nothing);
        ADD("stops-go-on-when-agenthostd-dies", stops_go_on_when_agenthostd_dies);
        ADD("order-to-stop-that-was-not-begun-is-carried-out",
                order_to_stop_that_was_not_begun_is_carried_out);
#undef ADD

        return host_tests_run();
}
