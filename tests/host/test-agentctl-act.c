/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl: what acts on agents that are there. Run in both modes. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/ctl.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

static void expect_output(const char *expected, const char *line)
{
        g_autofree char *out = ctl_expect(0, "%s", line);

        expect_text(line, expected, out);
}

static void create_guild(Client *c)
{
        create(c, &(Create){ .id = "a1", .guild = "g", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .guild = "g", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "b1", .guild = "h", .runtime = NOTIFY, .wait = "ready" });
}

static void expect_agents(Client *c, const char *expected)
{
        g_autofree char *list = agent_list(c, "");

        expect_text("agents", expected, list);
}

static void test_stop_stops_those_that_are_named(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_guild(c);
        expect_output("a1: stopped\n", "agentctl stop a1");
        expect_agents(c, "a2 b1");
        expect_output("", "agentctl stop --quiet b1");
        expect_agents(c, "a2");
}

static void expect_has_lines(const char *const *lines, const char *out)
{
        size_t length = 0;

        for (; *lines; lines++) {
                expect_part("output", *lines, out);
                length += strlen(*lines);
        }
        expect_number("bytes of output", (int64_t)length, (int64_t)strlen(out));
}

/* Its lines come in the order of the answers. */
#define EXPECT_LINES(out, ...) expect_has_lines((const char *const[]){ __VA_ARGS__, NULL }, out)

static void test_stop_takes_a_whole_guild(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *out = NULL;

        create_guild(c);
        out = ctl_expect(0, "agentctl stop --guild=g");
        EXPECT_LINES(out, "a1: stopped\n", "a2: stopped\n");
        expect_agents(c, "b1");
        ctl_expect_error(4, "There is no agent of guild 'g'", "agentctl stop --guild=g");
        ctl_expect_error(2, "not both", "agentctl stop --guild=h b1");
        ctl_expect_error(2, "Which agents?", "agentctl stop");
}

static void test_what_is_not_there_does_not_keep_the_others(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult result = { 0 };

        create_guild(c);
        result = ctl("agentctl stop nope a1");
        expect_number("exit status", 4, result.code);
        expect_text("output", "a1: stopped\n", result.out);
        expect_part("errors", "nope: there is no such agent", result.err);
        expect_agents(c, "a2 b1");

        ctl_expect_error(4, "nope: there is no such agent", "agentctl restart nope");
        ctl_expect_error(4, "nope: there is no such agent", "agentctl kill nope");
        ctl_expect_error(4, "nope: there is no such agent", "agentctl freeze nope");
        ctl_expect_error(4, "nope: there is no such agent", "agentctl thaw nope");
}

static void test_stop_kills_what_does_not_end_in_time(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-long", "notify", "ignore-term ready wait", "StopTimeoutSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-long", .wait = "ready" });
        expect_output("a1: stopped\n", "agentctl stop --timeout=500ms a1");
        expect_agents(c, "");
}

static void test_restart_gives_another_process(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *before = NULL, *after = NULL;

        create_guild(c);
        before = agent_property(c, "a1", "MainPID");
        expect_output("a1: restarted\n", "agentctl restart a1");
        after = agent_property(c, "a1", "MainPID");
        expect_false("the process is the same", strcmp(before, after) == 0);
        agent_wait(c, "a1", "State", "running");
}

static void test_kill_sends_sigterm_unless_told_otherwise(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_guild(c);
        expect_output("a1: signalled\n", "agentctl kill a1");
        agent_wait_end(c, "a1", "success", 0);
        expect_output("a2: signalled\n", "agentctl kill --signal=KILL a2");
        agent_wait_end(c, "a2", "signal", SIGKILL);
}

static void test_kill_can_be_for_the_main_process(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-family", "notify", "children=2 ready wait", NULL);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-family", .wait = "ready" });
        expect_number("processes", 3, agent_process_count());
        /* Behind its last word it exits. */
        expect_output("a1: signalled\n", "agentctl kill -s USR1 --kill-whom=main a1");
        agent_wait_end(c, "a1", "success", 0);
}

static void test_freeze_and_thaw_are_there_and_back(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *out = NULL;

        create_guild(c);
        out = ctl_expect(0, "agentctl freeze --guild=g");
        EXPECT_LINES(out, "a1: frozen\n", "a2: frozen\n");
        agent_wait(c, "a1", "State", "frozen");
        expect_output("a1: frozen\n", "agentctl freeze a1");
        expect_output("a1: thawed\n", "agentctl thaw a1");
        agent_wait(c, "a1", "State", "running");
        expect_output("a2: stopped\n", "agentctl stop a2");
}

static void test_shutdown_stops_all(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_guild(c);
        expect_output("3 agents stopped\n", "agentctl shutdown");
        expect_agents(c, "");
        expect_output("0 agents stopped\n", "agentctl shutdown");
}

static void test_drain_lets_the_host_take_no_agents_until_resume(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *draining = NULL, *taking = NULL;

        create_guild(c);
        expect_output("draining: no new agents are taken\n", "agentctl drain");
        client_expect_property(c, MANAGER, "Draining", "true");
        create_expect_error(c, &(Create){ .id = "a9" }, ERROR_("Draining"), NULL);
        expect_agents(c, "a1 a2 b1");
        draining = ctl_expect(0, "agentctl status");
        expect_part("status", "Draining: ", draining);

        expect_output("new agents are taken again\n", "agentctl resume");
        client_expect_property(c, MANAGER, "Draining", "false");
        expect_output("", "agentctl resume --quiet");
        taking = ctl_expect(0, "agentctl status");
        expect_true("status says nothing of it", strstr(taking, "Draining") == NULL);
}

static void test_drain_stops_agents_if_it_is_told_to(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-long", "notify", "ignore-term ready wait", "StopTimeoutSec=1h");
        c = agents_begin();
        create_guild(c);
        create(c, &(Create){ .id = "b2", .runtime = "test-long", .wait = "ready" });
        ctl_expect_error(2, "--timeout is the time that agents have to stop: it needs --stop",
                "agentctl drain --timeout=1");
        client_expect_property(c, MANAGER, "Draining", "false");
        expect_output("draining: no new agents are taken, 4 agents stopped\n",
                "agentctl drain --stop --timeout=500ms");
        expect_agents(c, "");
        expect_output("", "agentctl drain --stop --quiet");
        client_expect_property(c, MANAGER, "Draining", "true");
}

static void test_cleanup_forgets_what_has_ended(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_guild(c);
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_output("a1: forgotten\n", "agentctl cleanup");
        expect_agents(c, "a2 b1");
        expect_output("", "agentctl cleanup");
}

/* More than a bus lets a connection wait for at once. */
static void test_many_are_acted_on_together(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *out = NULL;
        g_auto(GStrv) lines = NULL;

        config_write("[Host]\nMaxAgents=200\n");
        c = agents_begin();
        for (unsigned i = 0; i < 150; i++) {
                g_autofree char *id = g_strdup_printf("many-%u", i);

                create(c, &(Create){ .id = id, .guild = "many" });
        }
        out = ctl_expect(0, "agentctl stop --guild=many");
        lines = g_strsplit(g_strchomp(out), "\n", -1);
        expect_number("lines", 150, g_strv_length(lines));
        expect_agents(c, "");
}

static const char *member(struct json_object *o, const char *key)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, key, &value))
                fail("expected a member %s, got %s", key, json_object_to_json_string(o));
        return json_object_get_string(value);
}

static struct json_object *parse(const char *text)
{
        struct json_object *o = json_tokener_parse(text);

        if (!o)
                fail("expected JSON, got '%s'", text);
        return o;
}

static void test_outcomes_are_told_as_json(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult result = { 0 };
        struct json_object *list, *first, *second;
        g_autofree char *ended = NULL;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        create(c, &(Create){ .id = "a3" });
        result = ctl("agentctl stop --json=short a1 nope");
        expect_number("exit status", 4, result.code);
        expect_text("errors", "", result.err);
        list = parse(result.out);
        expect_number("outcomes", 2, (int64_t)json_object_array_length(list));
        /* They come as they are answered. */
        first = json_object_array_get_idx(list, 0);
        second = json_object_array_get_idx(list, 1);
        if (strcmp(member(first, "id"), "a1") != 0) {
                first = second;
                second = json_object_array_get_idx(list, 0);
        }
        expect_text("outcome", "stopped", member(first, "outcome"));
        expect_text("id", "nope", member(second, "id"));
        expect_text("outcome", "failed", member(second, "outcome"));
        expect_text("error", ERROR_("NoSuchAgent"), member(second, "error"));
        json_object_put(list);

        agent_signal(c, "a2", SIGKILL);
        agent_wait_end(c, "a2", "signal", SIGKILL);
        ended = ctl_expect(0, "agentctl cleanup --json=short");
        expect_text("cleanup", "[{\"id\":\"a2\",\"outcome\":\"forgotten\"}]\n", ended);
        g_free(g_steal_pointer(&ended));
        ended = ctl_expect(0, "agentctl shutdown --json=short");
        expect_text("shutdown", "{\"stopped\":1}\n", ended);
}

static void test_draining_is_told_as_json(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        expect_output("{\"draining\":true}\n", "agentctl drain --json=short");
        expect_output("{\"draining\":true,\"stopped\":1}\n", "agentctl drain --stop --json=short --quiet");
        expect_output("{\"draining\":false}\n", "agentctl resume --json=short");
        client_expect_property(c, MANAGER, "Draining", "false");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agentctl-act/" name, test_##function)
        ADD("stop-stops-those-that-are-named", stop_stops_those_that_are_named);
        ADD("stop-takes-a-whole-guild", stop_takes_a_whole_guild);
        ADD("what-is-not-there-does-not-keep-the-others", what_is_not_there_does_not_keep_the_others);
        ADD("stop-kills-what-does-not-end-in-time", stop_kills_what_does_not_end_in_time);
        ADD("restart-gives-another-process", restart_gives_another_process);
        ADD("kill-sends-sigterm-unless-told-otherwise", kill_sends_sigterm_unless_told_otherwise);
        ADD("kill-can-be-for-the-main-process", kill_can_be_for_the_main_process);
        ADD("freeze-and-thaw-are-there-and-back", freeze_and_thaw_are_there_and_back);
        ADD("shutdown-stops-all", shutdown_stops_all);
        ADD("outcomes-are-told-as-json", outcomes_are_told_as_json);
        ADD("draining-is-told-as-json", draining_is_told_as_json);
        ADD("drain-lets-the-host-take-no-agents-until-resume",
                drain_lets_the_host_take_no_agents_until_resume);
        ADD("drain-stops-agents-if-it-is-told-to", drain_stops_agents_if_it_is_told_to);
        ADD("cleanup-forgets-what-has-ended", cleanup_forgets_what_has_ended);
        ADD("many-are-acted-on-together", many_are_acted_on_together);
#undef ADD

        return host_tests_run();
}
