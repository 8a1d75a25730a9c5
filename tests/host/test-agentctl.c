/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl: looking at agents. Run in both modes. What acts: test-agentctl-act.c; starting agents:
 * test-agentctl-run.c; users, terminals and what goes wrong: test-agentctl-users.c. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/ctl.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define _cleanup_object_ _cleanup_(object_put)

static void object_put(struct json_object **o)
{
        json_object_put(*o);
}

static const char *member(struct json_object *o, const char *key)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, key, &value))
                fail("expected a member %s, got %s", key, json_object_to_json_string(o));
        return value ? json_object_get_string(value) : "null";
}

static void expect_output(const char *expected, const char *line)
{
        g_autofree char *out = ctl_expect(0, "%s", line);

        expect_text(line, expected, out);
}

static void create_some(Client *c)
{
        create(c, &(Create){ .id = "b2", .guild = "g", .name = "Second" });
        create(c, &(Create){ .id = "a1", .guild = "g", .name = "First" });
        create(c, &(Create){ .id = "c3", .guild = "a guild", .name = "Third" });
}

static void test_list_shows_agents_by_guild_and_id(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *whole = NULL;

        expect_output("0 agents listed.\n", "agentctl");
        create_some(c);
        expect_output("c3 a guild running Third\n"
                      "a1 g       running First\n"
                      "b2 g       running Second\n",
                "agentctl list --no-legend --columns=id,guild,state,name");
        expect_output("ID STATE\n"
                      "a1 running\n"
                      "b2 running\n"
                      "\n"
                      "2 agents listed.\n",
                "agentctl --guild=g --columns=id,state");
        expect_output("c3\na1\nb2\n", "agentctl list --no-legend --columns id");
        whole = ctl_expect(0, "agentctl list");
        expect_part("all columns", "ID GUILD   STATE   ", whole);
        expect_part("all columns", " ago  First\n", whole);
}

static void test_list_can_be_of_some_states(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_some(c);
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_output("a1\n", "agentctl list --state=failed,lost --no-legend --columns=id");
        expect_output("c3\nb2\n", "agentctl list --state=running --no-legend --columns=id");
}

static void test_list_as_json_has_all_of_it(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_agent_info_ AgentInfo info = { 0 };
        _cleanup_object_ struct json_object *none = ctl_json("agentctl list --json=short"), *list = NULL;
        struct json_object *first;
        g_autofree char *pid = NULL, *created = NULL, *unit = NULL;

        expect_number("length of an empty list", 0, (int64_t)json_object_array_length(none));
        create(c, &(Create){ .id = "a1", .name = "Grüß \"Gott\" \x1b[31m" });
        list = ctl_json("agentctl list --json=pretty");
        expect_number("length", 1, (int64_t)json_object_array_length(list));
        first = json_object_array_get_idx(list, 0);
        expect_true("GetAgentInfo", agent_info(c, "a1", &info));
        pid = g_strdup_printf("%u", info.pid);
        created = g_strdup_printf("%" PRIu64, info.created_at_usec);
        unit = agent_unit("a1");

        expect_text("id", "a1", member(first, "id"));
        expect_text("guild", "g", member(first, "guild"));
        expect_text("name", "Grüß \"Gott\" \x1b[31m", member(first, "name"));
        expect_text("state", "running", member(first, "state"));
        expect_text("alive", "true", member(first, "alive"));
        expect_text("pid", pid, member(first, "pid"));
        expect_text("created", created, member(first, "created"));
        expect_text("unit", unit, member(first, "unit"));
        expect_text("object", info.path, member(first, "object"));
}

static void test_ids_may_be_whatever_ids_are(void)
{
        static const char *const ids[] = { "a b", "x/y:z", "grüße-👋", "--user", "$(touch /tmp/x)'\"" };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                g_autofree char *quoted = g_shell_quote(ids[i]), *out = NULL, *expected = NULL;

                create(c, &(Create){ .id = ids[i] });
                out = ctl_expect(0, "agentctl show --property=Id --value -- %s", quoted);
                expected = g_strconcat(ids[i], "\n", NULL);
                expect_text("Id", expected, out);
                g_free(ctl_expect(0, "agentctl stop -- %s", quoted));
        }
        expect_output("0 agents listed.\n", "agentctl");
}

/* What agents call themselves is theirs, the terminal is the user's. */
static void test_names_do_not_drive_the_terminal(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *status = NULL;

        create(c, &(Create){ .id = "a1", .name = "a\x1b[2Jb" });
        expect_output("a\\x1b[2Jb\n", "agentctl list --no-legend --columns=name");
        status = ctl_expect(0, "agentctl status a1");
        expect_part("status", "a1 - a\\x1b[2Jb\n", status);
}

static void test_show_prints_what_the_object_has(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *pid = NULL, *expected = NULL, *all = NULL;
        _cleanup_object_ struct json_object *list = NULL;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        pid = agent_property(c, "a1", "MainPID");
        expected = g_strdup_printf("State=running\nMainPID=%s\nAlive=yes\n", pid);
        expect_output(expected, "agentctl show a1 -p State,Alive -p MainPID");
        expect_output("a1\n\na2\n", "agentctl show -p Id --value a1 a2");
        expect_output("a1\n\na2\n", "agentctl show -p Id --value --guild=g");

        all = ctl_expect(0, "agentctl show a1");
        expect_part("all", "Unit=agent-a1.scope\n", all);
        expect_part("all", "ExitedAt=\n", all);
        list = ctl_json("agentctl show --json=short a1");
        expect_text("MainPID", pid, member(json_object_array_get_idx(list, 0), "MainPID"));
        ctl_expect_error(4, "nope: there is no such agent", "agentctl show nope");
}

static void test_show_without_an_agent_is_of_the_host(void)
{
        g_autofree char *max = NULL, *expected = NULL;
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *o = ctl_json("agentctl show --json=pretty");

        max = client_property(c, MANAGER, "MaxAgents");
        expected = g_strdup_printf("AgentCount=0\nMaxAgents=%s\n", max);
        expect_output(expected, "agentctl show --property=AgentCount,MaxAgents");
        expect_text("MaxAgents", max, member(o, "MaxAgents"));
}

static void test_cat_prints_the_spec(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *spec = agent_spec_text("a1"), *expected = g_strconcat(spec, "\n", NULL);

        create(c, &(Create){ .id = "a1" });
        expect_output(expected, "agentctl cat a1");
        ctl_expect_error(4, "nope: Agent nope not found", "agentctl cat nope");
}

static void test_cat_as_json_is_an_array(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *list = NULL, *some = NULL;
        _cleanup_ctl_ CtlResult result = { 0 };

        create(c, &(Create){ .id = "a1", .name = "First" });
        create(c, &(Create){ .id = "a2", .name = "Second" });
        list = ctl_json("agentctl cat --json=pretty a2 a1");
        expect_number("length", 2, (int64_t)json_object_array_length(list));
        expect_text("name", "Second", member(json_object_array_get_idx(list, 0), "name"));
        expect_text("name", "First", member(json_object_array_get_idx(list, 1), "name"));

        result = ctl("agentctl cat --json=short nope a1");
        expect_number("exit status", 4, result.code);
        expect_part("errors", "nope: Agent nope not found", result.err);
        some = json_tokener_parse(result.out);
        expect_number("length", 1, (int64_t)json_object_array_length(some));
        expect_text("id", "a1", member(json_object_array_get_idx(some, 0), "id"));
}

static void test_status_shows_state_processes_and_log(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *status = NULL, *process = NULL;
        pid_t pid;

        pid = create(c, &(Create){ .id = "a1", .name = "First", .runtime = NOTIFY, .wait = "ready" });
        g_free(mode_command_as_root("journalctl --sync"));
        status = ctl_expect(0, "agentctl status a1");
        process = g_strdup_printf("└─%d " AGENT_PROGRAM " ready wait\n", (int)pid);
        expect_part("status", "● a1 - First\n", status);
        expect_part("status", "      Guild: g\n", status);
        expect_part("status", "    Runtime: " NOTIFY "\n", status);
        expect_part("status", "      State: running since ", status);
        expect_part("status", "       Unit: agent-a1.scope\n", status);
        expect_part("status", "agents.slice/agents-g.slice/agent-a1.scope\n", status);
        expect_part("status", process, status);
        if (!mode_is_user())
                expect_part("status", ": Agent a1 is ready\n", status);
}

static void test_status_tells_how_an_agent_ended(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *list = NULL;
        g_autofree char *status = NULL;
        _cleanup_ctl_ CtlResult both = { 0 };

        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        status = ctl_expect(3, "agentctl status a1");
        expect_part("status", "× a1 - Agent of a test\n", status);
        expect_part("status", "      State: failed since ", status);
        expect_part("status", "     Result: signal (SIGKILL)\n", status);
        ctl_expect_error(4, "nope: there is no such agent", "agentctl status nope");

        create(c, &(Create){ .id = "a2" });
        both = ctl("agentctl status --lines=0 a1 a2");
        expect_number("exit status of both", 3, both.code);
        expect_part("both", "a1 - Agent", both.out);
        expect_part("both", "\n\n● a2 - Agent", both.out);
        list = ctl_json("agentctl status --json=short a2");
        expect_text("State", "running", member(json_object_array_get_idx(list, 0), "State"));
        expect_part("ControlGroup", "/agent-a2.scope",
                member(json_object_array_get_idx(list, 0), "ControlGroup"));
}

/* As status has it, of one that uses no more. */
static char *cpu_line(Client *c, const char *id)
{
        g_autofree char *nsec = agent_property(c, id, "CPUUsageNSec");
        uint64_t msec = g_ascii_strtoull(nsec, NULL, 10) / 1000000;

        if (msec < 1000)
                return g_strdup_printf("        CPU: %" PRIu64 "ms\n", msec);
        return g_strdup_printf("        CPU: %" PRIu64 ".%03" PRIu64 "s\n", msec / 1000, msec % 1000);
}

static void test_status_tells_what_an_agent_uses(void)
{
        g_autofree char *living = NULL, *ended = NULL, *cpu = NULL, *memory = NULL, *peak = NULL;
        _cleanup_object_ struct json_object *list = NULL;
        _cleanup_client_ Client *c = NULL;
        bool counted, is_number;

        runtime_add("test-busy", "notify", "busy=20 ready wait", NULL);
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-busy", .wait = "ready" });
        living = ctl_expect(0, "agentctl status --lines=0 a1");
        expect_part("status", "\n        CPU: ", living);

        /* Where there is the controller. */
        list = ctl_json("agentctl status --json=short a1");
        memory = g_strdup_printf("/sys/fs/cgroup%s/memory.current",
                member(json_object_array_get_idx(list, 0), "ControlGroup"));
        counted = g_file_test(memory, G_FILE_TEST_EXISTS);
        is_number = g_strcmp0(member(json_object_array_get_idx(list, 0), "MemoryCurrent"), "null") != 0;
        expect_true("MemoryCurrent is told where it is counted", is_number == counted);
        expect_true("Memory is shown where it is counted",
                g_regex_match_simple("\n     Memory: [0-9.]+[KMG]", living, 0, 0) == counted);

        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        ended = ctl_expect(3, "agentctl status --lines=0 a1");
        cpu = cpu_line(c, "a1");
        expect_part("status", cpu, ended);
        peak = agent_property(c, "a1", "MemoryPeak");
        expect_true("the peak of memory is shown where it is known",
                g_regex_match_simple("\n     Memory: [0-9.]+[KMG] \\(peak\\)\n", ended, 0, 0) ==
                        (g_ascii_strtoull(peak, NULL, 10) != UINT64_MAX));
}

static void test_status_without_an_agent_is_of_the_host(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *o = NULL;
        g_autofree char *status = NULL;

        create_some(c);
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        status = ctl_expect(0, "agentctl status");
        expect_part("status", "    Version: " AGENTHOST_VERSION "\n", status);
        expect_part("status", "     Health: agents can be started\n", status);
        expect_part("status", "     Agents: 2 of at most ", status);
        expect_part("status", " (1 failed, 2 running)\n", status);
        expect_part("status", "─agents-a\\x20guild.slice\n", status);
        expect_part("status", "─agent-b2.scope\n", status);
        o = ctl_json("agentctl status --json=short");
        expect_text("Healthy", "true", member(o, "Healthy"));
        expect_text("AgentCount", "2", member(o, "AgentCount"));
}

static void test_health_and_version_are_told(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *o = ctl_json("agentctl health --json=short"), *v = NULL;
        g_autofree char *host = client_property(c, MANAGER, "Hostname"), *healthy = NULL, *versions = NULL;

        healthy = g_strdup_printf("%s: healthy, 0 agents\n", host);
        expect_output(healthy, "agentctl health");
        expect_text("healthy", "true", member(o, "healthy"));
        expect_text("hostname", host, member(o, "hostname"));

        versions = g_strdup_printf(
                "agentctl " AGENTHOST_VERSION "\nagenthostd " AGENTHOST_VERSION " on %s\n", host);
        expect_output(versions, "agentctl version");
        expect_output("agentctl " AGENTHOST_VERSION "\n", "agentctl --version");
        v = ctl_json("agentctl version --json=short");
        expect_text("agenthostd", AGENTHOST_VERSION, member(v, "agenthostd"));
}

static void sync_journal(void)
{
        g_free(mode_command_as_root("journalctl --sync"));
}

static void test_logs_join_an_agent_and_what_is_said_about_it(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *logs = NULL, *json = NULL, *guild = NULL, *none = NULL;
        _cleanup_object_ struct json_object *last = NULL;
        const char *printed, *ready, *ended;

        runtime_add("test-talk", "notify", "log=5 ready wait", NULL);
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .guild = "talkers", .runtime = "test-talk", .wait = "ready" });
        create(c, &(Create){ .id = "a2", .guild = "others" });
        /* A user's journal knows whose lines they are while the agent is there. */
        sync_journal();
        agent_signal(c, "a1", SIGTERM);
        agent_wait_end(c, "a1", "success", 0);
        sync_journal();

        /* What is not there any more has a journal still. */
        expect_text("forgotten", "a1", (logs = agents_clean_up(c)));
        g_free(logs);
        logs = ctl_expect(0, "agentctl logs a1");
        printed = strstr(logs, "agent[");
        ready = strstr(logs, ": Agent a1 is ready\n");
        ended = strstr(logs, ": Agent a1 exited with status 0 (success)\n");
        if (!printed || !ready || !ended || ready > ended)
                fail("logs: expected what it printed, and that it was ready and ended, got\n%s", logs);
        expect_false("another's lines are there", strstr(logs, "a2"));

        json = ctl_expect(0, "agentctl logs --json=short -n 1 --guild=talkers");
        last = json_tokener_parse(json);
        if (!last)
                fail("expected JSON, got '%s'", json);
        expect_text("agent", "a1", member(last, "agent"));
        expect_text("guild", "talkers", member(last, "guild"));
        expect_text("result", "success", member(last, "result"));
        expect_text("exit status", "0", member(last, "exit_status"));
        guild = ctl_expect(0, "agentctl logs --guild=talkers");
        expect_part("guild", ": Agent a1 is ready\n", guild);
        none = ctl_expect(0, "agentctl logs -n 0 a1");
        expect_text("no lines", "-- No entries --\n", none);
}

static void test_logs_can_be_followed(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;

        create(c, &(Create){ .id = "followed", .runtime = NOTIFY, .wait = "ready" });
        s = ctl_stream_new("agentctl logs --follow followed");
        /* From here on it is there. */
        g_free(ctl_stream_find(s, ": Agent followed is ready"));
        expect_true("StopAgent", agent_stop(c, "followed", 0));
        g_free(ctl_stream_find(s, ": Agent followed exited with status 0 after a requested stop"));
        expect_number("exit status", 0, ctl_stream_interrupt(s));
}

static void test_monitor_shows_events_in_their_order(void)
{
        static const char *const expected[] = { " added m1", " state m1 state=stopping",
                " exited m1 result=success exit_status=0", " removed m1" };
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = ctl_stream_new("agentctl monitor m1");

        g_free(ctl_stream_find(s, "Waiting for events"));
        create(c, &(Create){ .id = "other", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "m1", .runtime = NOTIFY, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "m1", 0));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                g_autofree char *line = ctl_stream_find(s, expected[i]);

                expect_false("another's event", strstr(line, "other"));
        }
        expect_number("exit status", 0, ctl_stream_interrupt(s));
}

static void test_monitor_as_json_is_a_line_an_event(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = NULL;
        g_autofree char *line = NULL;
        _cleanup_object_ struct json_object *o = NULL;

        create(c, &(Create){ .id = "old", .guild = "watched" });
        s = ctl_stream_new("agentctl monitor --guild=watched --json=short");
        g_free(ctl_stream_find(s, "Waiting for events"));
        create(c, &(Create){ .id = "unwatched" });
        agent_signal(c, "old", SIGKILL);
        g_free(ctl_stream_find(
                s, "\"event\":\"exited\",\"id\":\"old\",\"result\":\"signal\",\"exit_status\":9}"));
        create(c, &(Create){ .id = "new", .guild = "watched" });
        line = ctl_stream_find(s, "{");
        o = json_tokener_parse(line);
        if (!o)
                fail("expected JSON, got '%s'", line);
        expect_text("event", "added", member(o, "event"));
        expect_text("id", "new", member(o, "id"));
}

static void test_monitor_sees_the_service_come_back(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_stream_ CtlStream *s = ctl_stream_new("agentctl monitor");

        g_free(ctl_stream_find(s, "Waiting for events"));
        agenthostd_crash();
        g_free(ctl_stream_find(s, " service is gone"));
        g_free(ctl_stream_find(s, " service is there"));
        create(c, &(Create){ .id = "a1" });
        g_free(ctl_stream_find(s, " added a1"));
}

static void test_configuration_is_checked_as_the_services_read_it(void)
{
        _cleanup_ctl_ CtlResult result = { 0 };
        g_autofree char *good = NULL;

        agents_prepare();
        good = ctl_expect(0, "agentctl check-config");
        expect_part("good", "Settings: nothing is wrong\n", good);
        expect_part("good", "Runtime " NOTIFY ": ", good);

        runtime_write("test-bad", "[Runtime]\nNoSuchKey=1\n");
        runtime_write("test-away", "[Runtime]\n%s\nExec=/no/such/program\n", runtime_user());
        config_write("[Host]\nMaxAgents=many\n");
        result = ctl("agentctl check-config");
        expect_number("exit status", 1, result.code);
        expect_part("bad", "/test-bad.runtime:2: Unknown setting NoSuchKey=\n", result.err);
        expect_part("bad", "/test-away.runtime: /no/such/program cannot be executed\n", result.err);
        expect_part("bad", "/test.conf:2: [Host] MaxAgents=: 'many' is not a value for this", result.err);
        expect_part("bad", "Runtime " NOTIFY ": ", result.out);
        ctl_expect_error(2, "--json is not for 'check-config'", "agentctl check-config --json=short");
}

static void test_help_names_all_verbs(void)
{
        g_autofree char *help = ctl_expect(0, "agentctl --help"), *verb = ctl_expect(0, "agentctl help");

        expect_text("help", help, verb);
        expect_part("help", "\n  check-config ", help);
        expect_part("help", "Exit status:\n", help);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agentctl/" name, test_##function)
        ADD("list-shows-agents-by-guild-and-id", list_shows_agents_by_guild_and_id);
        ADD("list-can-be-of-some-states", list_can_be_of_some_states);
        ADD("list-as-json-has-all-of-it", list_as_json_has_all_of_it);
        ADD("ids-may-be-whatever-ids-are", ids_may_be_whatever_ids_are);
        ADD("names-do-not-drive-the-terminal", names_do_not_drive_the_terminal);
        ADD("show-prints-what-the-object-has", show_prints_what_the_object_has);
        ADD("show-without-an-agent-is-of-the-host", show_without_an_agent_is_of_the_host);
        ADD("cat-prints-the-spec", cat_prints_the_spec);
        ADD("cat-as-json-is-an-array", cat_as_json_is_an_array);
        ADD("status-shows-state-processes-and-log", status_shows_state_processes_and_log);
        ADD("status-tells-how-an-agent-ended", status_tells_how_an_agent_ended);
        ADD("status-tells-what-an-agent-uses", status_tells_what_an_agent_uses);
        ADD("status-without-an-agent-is-of-the-host", status_without_an_agent_is_of_the_host);
        ADD("health-and-version-are-told", health_and_version_are_told);
        ADD("logs-join-an-agent-and-what-is-said-about-it", logs_join_an_agent_and_what_is_said_about_it);
        ADD("logs-can-be-followed", logs_can_be_followed);
        ADD("monitor-shows-events-in-their-order", monitor_shows_events_in_their_order);
        ADD("monitor-as-json-is-a-line-an-event", monitor_as_json_is_a_line_an_event);
        ADD("monitor-sees-the-service-come-back", monitor_sees_the_service_come_back);
        ADD("configuration-is-checked-as-the-services-read-it",
                configuration_is_checked_as_the_services_read_it);
        ADD("help-names-all-verbs", help_names_all_verbs);
#undef ADD

        return host_tests_run();
}
