/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl run: starting agents from files. Run in both modes. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/ctl.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define SPECS "tests/data/specs"
#define RUN "agentctl run --runtime=" NOTIFY " "

/* A file of the real specs. */
static char *spec(const char *name)
{
        return g_build_filename(g_getenv("AGENTHOST_SOURCE_DIR"), SPECS, name, NULL);
}

/* One agent on standard input: "ID" of guild "g". */
#define ONE(id) "echo '{\"id\":\"" id "\",\"name\":\"One\",\"guild_id\":\"g\"}' | "

/* The same in a file. */
static char *one_file(void)
{
        g_autoptr(GError) error = NULL;
        char *path;
        int fd = g_file_open_tmp("agentctl-XXXXXX", &path, &error);

        if (fd < 0 ||
                !g_file_set_contents(
                        path, "{\"id\":\"a1\",\"name\":\"One\",\"guild_id\":\"g\"}", -1, &error))
                fail("%s", error->message);
        close_fd(fd);
        return path;
}

static void file_remove(char **path)
{
        (void)g_unlink(*path);
        g_free(*path);
}
#define _cleanup_file_ _cleanup_(file_remove)

static void expect_agents(Client *c, const char *expected)
{
        g_autofree char *list = agent_list(c, "");

        expect_text("agents", expected, list);
}

static void test_an_agent_is_started_from_its_file(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *agent = spec("agent_spec-echo.json"), *guild = spec("guild_spec-small.json");
        g_autofree char *out = ctl_expect(0, RUN "--guild=%s %s", guild, agent);
        g_autofree char *pid = agent_property(c, "echo_agent", "MainPID");
        g_autofree char *expected =
                g_strdup_printf("echo_agent: started as process %s in agent-echo_agent.scope\n", pid);
        g_autofree char *text = NULL, *given = NULL;

        expect_text("output", expected, out);
        agent_expect(c, "echo_agent", "GuildId", "small");
        agent_expect(c, "echo_agent", "State", "running");

        /* What the agent gets is what is in the file. */
        text = ctl_expect(0, "agentctl cat echo_agent");
        if (!g_file_get_contents(agent, &given, NULL, NULL))
                fail("%s cannot be read", agent);
        expect_text("spec", g_strstrip(given), g_strstrip(text));
}

static void test_a_guild_is_started_from_its_file(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *guild = spec("guild_spec.json"), *out = ctl_expect(0, RUN "%s", guild),
                        *messaging = NULL;

        expect_part("output", "initiator: started as process ", out);
        expect_part("output", "echo_agent: started as process ", out);
        expect_part("output", "\n4 of 4 agents started\n", out);
        expect_agents(c, "2C6vUi4VakVB8FDu8D4dRA echo_agent initiator responder");
        agent_expect(c, "responder", "GuildId", "support-desk");

        /* As the guild says. */
        messaging = g_build_filename(
                mode_paths()->credentials_dir, "agent-responder.scope", "messaging_config", NULL);
        if (!mode_is_user()) {
                g_autofree char *text = command("cat %s", messaging);

                expect_part("messaging_config", "{\"backend_module\":\"rustic_ai.redis.messaging.backend\"",
                        text);
        }
}

static void test_specs_come_from_standard_input(void)
{
        _cleanup_client_ Client *c = agents_begin();

        g_free(ctl_expect(0, ONE("a1") RUN "-"));
        agent_expect(c, "a1", "GuildId", "g");
        g_free(ctl_expect(0, ONE("a2") "agentctl run --no-block --quiet --runtime=" SILENT " -"));
        agent_expect(c, "a2", "State", "starting");
}

static void test_outcomes_are_told_as_json(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *guild = spec("guild_spec.json");
        _cleanup_ctl_ CtlResult result = { 0 };
        struct json_object *list;
        unsigned n_started = 0;

        create(c, &(Create){ .id = "responder" });
        result = ctl(RUN "--json=short %s", guild);
        expect_number("exit status", 1, result.code);
        list = json_tokener_parse(result.out);
        if (!list)
                fail("expected JSON, got '%s'", result.out);
        expect_number("outcomes", 4, (int64_t)json_object_array_length(list));
        for (size_t i = 0; i < 4; i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                const char *id = json_object_get_string(json_object_object_get(o, "id"));
                const char *outcome = json_object_get_string(json_object_object_get(o, "outcome"));

                if (strcmp(outcome, "started") == 0) {
                        g_autofree char *pid = agent_property(c, id, "MainPID");

                        expect_text("pid", pid, json_object_get_string(json_object_object_get(o, "pid")));
                        n_started++;
                        continue;
                }
                expect_text("the one that failed", "responder", id);
                expect_text("error", ERROR_("AgentExists"),
                        json_object_get_string(json_object_object_get(o, "error")));
        }
        expect_number("started", 3, n_started);
        json_object_put(list);
}

static void test_what_cannot_be_started_is_told_and_the_others_are(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *guild = spec("guild_spec.json");
        _cleanup_ctl_ CtlResult result = { 0 };

        create(c, &(Create){ .id = "responder" });
        result = ctl(RUN "%s", guild);
        expect_number("exit status", 1, result.code);
        expect_part("errors", "responder: Agent responder already exists", result.err);
        expect_part("output", "\n3 of 4 agents started\n", result.out);
        expect_agents(c, "2C6vUi4VakVB8FDu8D4dRA echo_agent initiator responder");
}

static void test_a_wrong_file_starts_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *guild = spec("guild_spec.json"), *yaml = spec("guild.yaml");

        ctl_expect_error(2, "/none.json: No such file", RUN "%s /none.json", guild);
        ctl_expect_error(2, "YAML is not taken", RUN "%s", yaml);
        ctl_expect_error(2, "standard input: line 1 column 8: ", "echo '{\"id\": }' | " RUN "-");
        ctl_expect_error(2, "which guild is the agent of?", "echo '{\"id\":\"a\"}' | " RUN "-");
        ctl_expect_error(
                2, "agent_spec: $.name: missing", "echo '{\"id\":\"a\",\"guild_id\":\"g\"}' | " RUN "-");
        ctl_expect_error(1, "No runtime 'none'", ONE("a1") "agentctl run --runtime=none -");
        ctl_expect_error(5, "AllowEnvironment=X", ONE("a1") RUN "-E X=1 -");
        expect_agents(c, "");
}

static void test_options_reach_the_agent(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *pid = NULL;

        runtime_add("test-open", "notify", "ready wait", "AllowEnvironment=X*");
        c = agents_begin();
        g_free(ctl_expect(0,
                ONE("a1") "agentctl run --runtime=test-open --restart=always -E X1=one -E X2='t w o' --machine-id=-7 "
                          "--client-type=SimpleClient -"));
        pid = agent_property(c, "a1", "MainPID");
        process_expect_variable(atoi(pid), "X1=one");
        process_expect_variable(atoi(pid), "X2=t w o");
        process_expect_variable(atoi(pid), "AGENTHOST_MACHINE_ID=-7");
        process_expect_variable(atoi(pid), "AGENTHOST_CLIENT_TYPE=SimpleClient");
        agent_signal(c, "a1", SIGKILL);
        agent_wait(c, "a1", "Restarts", "1");
}

/* So that it is not among the arguments, which everybody can read: as long as agentctl waits, these are
 * looked at. */
static void test_a_secret_comes_from_the_environment(void)
{
        g_autofree char *agent = NULL, *arguments = NULL;
        _cleanup_client_ Client *c = NULL;
        _cleanup_stream_ CtlStream *s = NULL;
        _cleanup_file_ char *file = one_file();

        runtime_add("test-open", "notify", "ready wait", "AllowEnvironment=X*");
        c = agents_begin();
        ctl_expect_error(2, "--environment: 'XSECRET' has no value",
                ONE("a1") "agentctl run --runtime=test-open -E XSECRET -");
        g_setenv("XSECRET", "not to be seen", true);
        s = ctl_stream_new("agentctl run --wait --runtime=test-open -E XSECRET %s", file);
        g_unsetenv("XSECRET");
        g_free(ctl_stream_find(s, "a1: started as process "));
        agent = agent_property(c, "a1", "MainPID");
        process_expect_variable(atoi(agent), "XSECRET=not to be seen");

        arguments = command("pgrep --full --list-full -- ' -E XSECRET'");
        expect_part("arguments", " --runtime=test-open -E XSECRET /", arguments);
        expect_false("the value is seen", strstr(arguments, "not to be"));
        expect_number("exit status", 0, ctl_stream_interrupt(s));
}

static void test_an_agent_is_placed_again_only_where_that_can_be(void)
{
        _cleanup_client_ Client *c = agents_begin();

        ctl_expect_error(2, "a1: Option 'reschedule' is for agents that are always started again",
                ONE("a1") "agentctl run --runtime=" SILENT " --reschedule --restart=no -");
        ctl_expect_error(2, "a1: Option 'reschedule' needs a registry that other hosts share",
                ONE("a1") "agentctl run --runtime=" SILENT " --reschedule --restart=always -");
        expect_agents(c, "");
}

static void test_a_start_may_take_no_longer_than_told(void)
{
        _cleanup_client_ Client *c = agents_begin();

        ctl_expect_error(1, "a1: Agent a1 failed to start within 300ms",
                ONE("a1") "agentctl run --runtime=" SILENT " --timeout=300ms -");
        agent_expect(c, "a1", "State", "failed");
}

static void test_a_repeated_request_starts_nothing_twice(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *first = ctl_expect(0, ONE("a1") RUN "--request-id=r1 -");
        g_autofree char *second = ctl_expect(0, ONE("a1") RUN "--request-id=r1 -");

        expect_text("second output", first, second);
        ctl_expect_error(1, "already exists", ONE("a1") RUN "-");
        expect_number("processes", 1, agent_process_count());
        expect_agents(c, "a1");
}

/* The answer is lost; the agent is not. */
static void test_a_service_that_dies_meanwhile_is_asked_again(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;
        _cleanup_file_ char *file = one_file();
        g_autofree char *line = NULL;

        s = ctl_stream_new("agentctl run --runtime=" SILENT " %s", file);
        g_free(sd_bus_message_unref(client_take_signal(c, "AgentAdded", "a1")));
        agenthostd_crash();
        agent_let_be_ready(c, "a1");
        line = ctl_stream_find(s, "a1: started as process ");
        expect_number("exit status", 0, ctl_stream_wait(s));
        expect_number("processes", 1, agent_process_count());
}

static void add_runtime_that_ends(const char *name, const char *actions)
{
        runtime_add(name, "exec", actions, NULL);
}

static void test_wait_gives_the_agents_exit_status(void)
{
        g_autofree char *success = NULL, *seven = NULL, *killed = NULL;

        add_runtime_that_ends("test-ok", "exit=0");
        add_runtime_that_ends("test-seven", "exit=7");
        add_runtime_that_ends("test-killed", "signal=9");
        host_reload();

        success = ctl_expect(0, ONE("a1") "agentctl run --wait --runtime=test-ok -");
        expect_part("output", "\na1: ended (success)\n", success);
        seven = ctl_expect(7, ONE("a2") "agentctl run --wait --runtime=test-seven -");
        expect_part("output", "\na2: ended (exit-code, status 7)\n", seven);
        killed = ctl_expect(1, ONE("a3") "agentctl run --wait --runtime=test-killed -");
        expect_part("output", "\na3: ended (signal, status 9)\n", killed);
}

/* It makes way for the new one, which is told as an end of it. */
static void test_wait_is_not_for_an_earlier_agent_of_the_same_id(void)
{
        add_runtime_that_ends("test-seven", "exit=7");
        add_runtime_that_ends("test-eight", "exit=8");
        host_reload();

        g_free(ctl_expect(7, ONE("a1") "agentctl run --wait --runtime=test-seven -"));
        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *eight =
                        ctl_expect(8, ONE("a1") "agentctl run --wait --runtime=test-eight -");

                expect_part("output", "\na1: ended (exit-code, status 8)\n", eight);
        }
}

static void test_wait_is_for_the_last_end_of_several(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;
        _cleanup_file_ char *file = one_file();

        add_runtime_that_ends("test-seven", "exit=7");
        host_reload();
        s = ctl_stream_new("agentctl run --wait --restart=always --runtime=test-seven %s", file);
        g_free(ctl_stream_find(s, "a1: started as process "));
        agent_wait(c, "a1", "Restarts", "2");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        g_free(ctl_stream_find(s, "a1: ended ("));
        (void)ctl_stream_wait(s);
}

static void test_wait_outlives_the_service(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;
        _cleanup_file_ char *file = one_file();

        s = ctl_stream_new("agentctl run --wait --runtime=" NOTIFY " %s", file);
        g_free(ctl_stream_find(s, "a1: started as process "));
        agenthostd_crash();
        agent_signal(c, "a1", SIGKILL);
        g_free(ctl_stream_find(s, "a1: ended (signal, status 9)"));
        expect_number("exit status", 1, ctl_stream_wait(s));
}

static void test_wait_that_is_interrupted_leaves_the_agents_alone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;
        _cleanup_file_ char *file = one_file();

        s = ctl_stream_new("agentctl run --wait --runtime=" NOTIFY " %s", file);
        g_free(ctl_stream_find(s, "a1: started as process "));
        expect_number("exit status", 0, ctl_stream_interrupt(s));
        agent_expect(c, "a1", "State", "running");
}

static void test_follow_shows_what_the_agent_says(void)
{
        g_autofree char *out = NULL;

        add_runtime_that_ends("test-talk", "log=7 exit=3");
        host_reload();
        out = ctl_expect(3, ONE("a1") "agentctl run --follow --runtime=test-talk -");
        expect_part("output", "a1: started as process ", out);
        expect_part("output", " agent[", out);
        expect_part("output", "\na1: ended (exit-code, status 3)\n", out);
        if (!mode_is_user())
                expect_part("output", ": Agent a1 exited with status 3 (exit-code)\n", out);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agentctl-run/" name, test_##function)
        ADD("an-agent-is-started-from-its-file", an_agent_is_started_from_its_file);
        ADD("a-guild-is-started-from-its-file", a_guild_is_started_from_its_file);
        ADD("specs-come-from-standard-input", specs_come_from_standard_input);
        ADD("outcomes-are-told-as-json", outcomes_are_told_as_json);
        ADD("what-cannot-be-started-is-told-and-the-others-are",
                what_cannot_be_started_is_told_and_the_others_are);
        ADD("a-wrong-file-starts-nothing", a_wrong_file_starts_nothing);
        ADD("options-reach-the-agent", options_reach_the_agent);
        ADD("a-secret-comes-from-the-environment", a_secret_comes_from_the_environment);
        ADD("an-agent-is-placed-again-only-where-that-can-be",
                an_agent_is_placed_again_only_where_that_can_be);
        ADD("a-start-may-take-no-longer-than-told", a_start_may_take_no_longer_than_told);
        ADD("a-repeated-request-starts-nothing-twice", a_repeated_request_starts_nothing_twice);
        ADD("a-service-that-dies-meanwhile-is-asked-again", a_service_that_dies_meanwhile_is_asked_again);
        ADD("wait-gives-the-agents-exit-status", wait_gives_the_agents_exit_status);
        ADD("wait-is-not-for-an-earlier-agent-of-the-same-id",
                wait_is_not_for_an_earlier_agent_of_the_same_id);
        ADD("wait-is-for-the-last-end-of-several", wait_is_for_the_last_end_of_several);
        ADD("wait-outlives-the-service", wait_outlives_the_service);
        ADD("wait-that-is-interrupted-leaves-the-agents-alone",
                wait_that_is_interrupted_leaves_the_agents_alone);
        ADD("follow-shows-what-the-agent-says", follow_shows_what_the_agent_says);
#undef ADD

        return host_tests_run();
}
