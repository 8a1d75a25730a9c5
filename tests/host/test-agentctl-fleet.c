/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl: what there is besides agents, hosts and runtimes. Run in both modes. */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/ctl.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"
#include "common/redis-server.h"

#define _cleanup_object_ _cleanup_(object_put)
#define STATIC "[Discovery]\nSource=static\nPeers=host-2:50051 host-0:50051 host-1:50051\n"
#define AGENT(id) "{\"id\":\"" id "\",\"name\":\"One\"}"

static void object_put(struct json_object **o)
{
        json_object_put(*o);
}

static void expect_output(const char *expected, const char *line)
{
        g_autofree char *out = ctl_expect(0, "%s", line);

        expect_text(line, expected, out);
}

/* Of the item at an index, or of the object. */
static const char *member(struct json_object *o, size_t index, const char *key)
{
        struct json_object *value;

        if (json_object_is_type(o, json_type_array))
                o = json_object_array_get_idx(o, index);
        if (!json_object_object_get_ex(o, key, &value))
                fail("expected a member %s, got %s", key, json_object_to_json_string(o));
        return value ? json_object_get_string(value) : "null";
}

static Client *begin_with(const char *settings)
{
        Client *c = agents_begin();

        config_write(settings);
        host_reload();
        /* In memory it goes on from one test to the next. */
        sd_bus_message_unref(client_call(c, MANAGER, "ResetPlacementCounter", ""));
        return c;
}

/* -- Hosts -- */

static void test_a_host_without_a_source_is_the_only_one(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *address = client_property(c, MANAGER, "Address"),
                        *expected = g_strdup_printf("%s yes 1 100 no yes - - -\n", address);

        create(c, &(Create){ .id = "a1" });
        expect_output(expected, "agentctl hosts --no-legend");
        g_free(g_steal_pointer(&expected));
        expected = g_strdup_printf("%s\n", address);
        expect_output(expected, "agentctl hosts --no-legend --columns=address");
        expect_output("HERE READY\nyes  yes\n\n1 host listed.\n", "agentctl hosts --columns=here,ready");
}

static void test_hosts_are_listed_and_this_one_is_marked(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *hostname = client_property(c, MANAGER, "Hostname"), *settings = NULL, *out = NULL;
        _cleanup_object_ struct json_object *list = NULL;

        settings = g_strdup_printf("[Discovery]\nSource=static\nPeers=%s:1 0-first:50051\n", hostname);
        config_write(settings);
        host_reload();
        create(c, &(Create){ .id = "a1" });
        out = ctl_expect(0, "agentctl hosts");
        expect_part("titles", " READY AGENTS CAPACITY DRAINING HERE ZONE NODE IP\n", out);
        expect_part("end", "\n\n2 hosts listed.\n", out);

        list = ctl_json("agentctl hosts --json=short");
        expect_number("hosts", 2, (int64_t)json_object_array_length(list));
        expect_text("address", "0-first:50051", member(list, 0, "address"));
        expect_text("ready", "true", member(list, 0, "ready"));
        expect_text("here", "false", member(list, 0, "here"));
        expect_text("agents", "null", member(list, 0, "agents"));
        expect_text("capacity", "null", member(list, 0, "capacity"));
        expect_text("draining", "null", member(list, 0, "draining"));
        expect_text("here", "true", member(list, 1, "here"));
        expect_text("agents", "1", member(list, 1, "agents"));
        expect_text("capacity", "100", member(list, 1, "capacity"));
        expect_text("draining", "false", member(list, 1, "draining"));
}

static void test_a_host_that_drains_is_shown_so(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *list = NULL;

        expect_output("no\n", "agentctl hosts --no-legend --columns=draining");
        g_free(ctl_expect(0, "agentctl drain"));
        expect_output("yes\n", "agentctl hosts --no-legend --columns=draining");
        list = ctl_json("agentctl hosts --json=short");
        expect_text("draining", "true", member(list, 0, "draining"));
        g_free(ctl_expect(0, "agentctl resume"));
        expect_output("no\n", "agentctl hosts --no-legend --columns=draining");
}

/* With a heartbeat; nobody tells. */
static void wait_output(const char *expected, const char *line)
{
        gint64 since = g_get_monotonic_time();

        for (;;) {
                g_autofree char *out = ctl_expect(0, "%s", line);

                if (strcmp(out, expected) == 0)
                        return;
                if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                        fail("%s: expected %s, got %s", line, expected, out);
                g_usleep(20 * 1000);
        }
}

/* But for the number of agents, where the registry counts some: that is newer. */
static void test_hosts_are_shown_with_what_they_say_of_themselves(void)
{
        _cleanup_client_ Client *c = NULL;

        /* A Redis is a unit of the system. */
        if (mode_is_user())
                return;
        c = agents_begin();
        redis_server_begin(c, REDIS_SETTINGS STATIC);
        g_free(redis_ask("SADD host_agents:host-1 x y"));
        g_free(redis_ask("HSET host_status:host-1 agents 3 capacity 5 draining 1"));
        g_free(redis_ask("HSET host_status:host-2 agents 0"));
        wait_output("host-0:50051 - - -\nhost-1:50051 2 5 yes\nhost-2:50051 0 - no\n",
                "agentctl hosts --no-legend --columns=address,agents,capacity,draining | tr -s ' '");

        /* What they no longer say is not known any more. */
        g_free(redis_ask("DEL host_status:host-1 host_status:host-2"));
        wait_output("host-0:50051 - - -\nhost-1:50051 2 - -\nhost-2:50051 - - -\n",
                "agentctl hosts --no-legend --columns=address,agents,capacity,draining | tr -s ' '");
}

static void test_hosts_have_the_agents_that_the_registry_counts(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *before = NULL;

        /* A Redis is a unit of the system. */
        if (mode_is_user())
                return;
        c = agents_begin();
        redis_server_begin(c, REDIS_SETTINGS STATIC);
        g_free(redis_ask("SADD host_agents:host-1 x y"));
        expect_output("host-0:50051 -\nhost-1:50051 2\nhost-2:50051 -\n",
                "agentctl hosts --no-legend --columns=address,agents | tr -s ' '");

        /* A registry that is away does not hide the hosts. */
        redis_server_kill();
        client_wait_property(c, MANAGER, "RegistryState", "down");
        before = ctl_expect(0, "agentctl hosts --no-legend --columns=agents | tr -d ' \\n'");
        expect_text("agents", "---", before);
}

static void test_hosts_that_are_not_known_are_an_error(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Discovery]\nSource=kubernetes\nKubeConfig=/nonexistent/config\n");

        client_wait_property(c, MANAGER, "DiscoveryState", "down");
        ctl_expect_error(1, "/nonexistent/config", "agentctl hosts");
        ctl_expect_error(
                2, "There is no column 'x'; there are: address, ready", "agentctl hosts --columns=x");
        ctl_expect_error(1, "Failed to discover agent hosts", "echo '" AGENT("a1") "' | agentctl place -");
}

static void test_status_tells_where_the_registry_has_an_agent(void)
{
        g_autofree char *off = NULL, *registered = NULL, *lost = NULL;
        _cleanup_client_ Client *c = NULL;

        /* A Redis is a unit of the system. */
        if (mode_is_user())
                return;
        c = agents_begin();
        create(c, &(Create){ .id = "a1" });
        off = ctl_expect(0, "agentctl status --lines=0 a1");
        expect_false("there is no registry", strstr(off, "Location:"));

        redis_server_begin(c, REDIS_SETTINGS "OnConflict=keep\n");
        agent_wait(c, "a1", "Location", "registered");
        registered = ctl_expect(0, "agentctl status --lines=0 a1");
        expect_part("status", "\n   Location: registered\n", registered);
        g_free(redis_ask("SET agent_location:a1 host-9:50051"));
        agent_wait(c, "a1", "Location", "lost");
        lost = ctl_expect(0, "agentctl status --lines=0 a1");
        expect_part("status", "\n   Location: lost: another host has it\n", lost);
}

/* -- Placement -- */

static void test_place_says_whose_turn_it_is(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC);
        _cleanup_object_ struct json_object *list = NULL;
        g_autofree char *agents = NULL;

        expect_output("host-0:50051\n", "echo '" AGENT("a1") "' | agentctl place -");
        expect_output("a1: host-1:50051\na2: host-2:50051\n",
                "echo '{\"id\":\"g\",\"agents\":[" AGENT("a1") "," AGENT("a2") "]}' | agentctl place -");
        list = ctl_json("echo '" AGENT("a3") "' | agentctl place --json=short -");
        expect_text("id", "a3", member(list, 0, "id"));
        expect_text("host", "host-0:50051", member(list, 0, "host"));
        agents = agent_list(c, "");
        expect_text("agents", "", agents);
}

static void test_what_cannot_be_placed_is_told(void)
{
        _cleanup_client_ Client *c = begin_with("[Discovery]\nSource=static\n");

        client_wait_property(c, MANAGER, "HostCount", "0");
        ctl_expect_error(1, "No agent hosts available", "echo '" AGENT("a1") "' | agentctl place -");
        ctl_expect_error(2, "$.name: missing", "echo '{\"id\":\"a1\"}' | agentctl place -");
        ctl_expect_error(2, "/none.json: No such file", "agentctl place /none.json");
        ctl_expect_error(2, "takes at least one argument", "agentctl place");
}

/* -- Agents on any host; those of several that really are there: test-agentctl-hosts.sh -- */

#define RUN "echo '{\"id\":\"a1\",\"name\":\"One\",\"guild_id\":\"g\"}' | agentctl run --runtime=" NOTIFY " "

static void test_agents_run_here_where_there_is_no_choice(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *hostname = client_property(c, MANAGER, "Hostname"), *out = NULL, *named = NULL;
        g_autofree char *address = client_property(c, MANAGER, "Address"), *expected = NULL;
        _cleanup_object_ struct json_object *list = NULL;

        out = ctl_expect(0, RUN "-");
        expect_part("output", "a1: started as process ", out);
        expect_output("a1: stopped\n", "agentctl stop a1");
        named = ctl_expect(0, RUN "--host=%s -", hostname);
        expected = g_strdup_printf("a1: started on %s\n", address);
        expect_text("output", expected, named);
        agent_expect(c, "a1", "State", "running");
        expect_output("a1: stopped\n", "agentctl stop --here a1");

        list = ctl_json(RUN "--host=%s --json=short -", address);
        expect_text("outcome", "started", member(list, 0, "outcome"));
        expect_text("host", address, member(list, 0, "host"));
}

static void test_agents_run_where_it_is_said(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC);
        g_autofree char *here = NULL;

        ctl_expect_error(2, "There is no host 'host-9'", RUN "--host=host-9 -");
        /* They are not there really. */
        ctl_expect_error(1, "a1: No host takes agent a1: host-1: ", RUN "--host=host-1 -");
        ctl_expect_error(1, "host-1:", RUN "-");
        here = ctl_expect(0, RUN "--here -");
        expect_part("output", "a1: started as process ", here);
        agent_expect(c, "a1", "State", "running");
}

static void test_wait_is_for_agents_that_are_here(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *out = NULL;

        runtime_add("test-ok", "exec", "exit=0", NULL);
        c = begin_with(STATIC);
        out = ctl_expect(0,
                "echo '{\"id\":\"a1\",\"name\":\"One\",\"guild_id\":\"g\"}' | agentctl run --wait --runtime=test-ok -");
        expect_part("output", "a1: ended (success)\n", out);
        ctl_expect_error(2, "not with --host=", RUN "--wait --host=host-1 -");
        ctl_expect_error(2, "give one of them", RUN "--here --host=host-1 -");
        ctl_expect_error(2, "give one of them", RUN "--here --strategy=round-robin -");
        ctl_expect_error(2, "--fleet is for all agents of a guild", "agentctl stop --fleet a1");
}

static void test_fleet_lists_what_it_can_and_says_what_it_cannot(void)
{
        _cleanup_client_ Client *c = begin_with("[Discovery]\nSource=static\nPeers=host-1:50051\n");
        g_autofree char *address = client_property(c, MANAGER, "Address"), *expected = NULL;
        _cleanup_ctl_ CtlResult result = { 0 }, stop = { 0 };

        create(c, &(Create){ .id = "a1", .guild = "g" });
        result = ctl("agentctl list --fleet --no-legend --columns=id,host,state");
        expected = g_strdup_printf("a1 %s running\n", address);
        expect_number("exit status", 1, result.code);
        expect_text("output", expected, result.out);
        expect_part("errors", "The agents of host-1:50051 are not known: ", result.err);

        stop = ctl("agentctl stop --fleet --guild=g");
        expect_number("exit status", 1, stop.code);
        expect_text("output", "a1: stopped\n", stop.out);
}

static void test_fleet_of_one_host_is_that_host(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_object_ struct json_object *list = NULL;
        g_autofree char *address = client_property(c, MANAGER, "Address"), *out = NULL;

        create(c, &(Create){ .id = "a1" });
        out = ctl_expect(0, "agentctl list --fleet");
        expect_part("titles", "HOST", out);
        list = ctl_json("agentctl list --fleet --json=short");
        expect_text("id", "a1", member(list, 0, "id"));
        expect_text("host", address, member(list, 0, "host"));
        ctl_expect_error(
                4, "There is no agent of guild 'none' on any host", "agentctl stop --fleet --guild=none");
        ctl_expect_error(4, "nope: there is no such agent", "agentctl stop --here nope");
        ctl_expect_error(4, "nope: there is no such agent", "agentctl stop nope");
}

/* -- Runtimes -- */

static void test_runtimes_are_listed(void)
{
        g_autofree char *out = NULL, *file = g_build_filename(mode_paths()->runtimes_dirs[0], NULL);
        _cleanup_object_ struct json_object *list = NULL;
        _cleanup_client_ Client *c = NULL;

        runtime_add(
                "test-a", "notify", "ready wait", "Match=a.*\nMatch=b.*\nAllowEnvironment=X*\nTasksMax=9");
        runtime_add("test-b", "exec", "wait", "Restart=always\nRestartSec=2");
        config_write("[Host]\nDefaultRuntime=test-b\n");
        host_reload();
        c = client_new();
        expect_output("test-a - notify a.* b.* " AGENT_PROGRAM "\n"
                      "test-b yes exec - " AGENT_PROGRAM "\n",
                "agentctl runtimes --no-legend --columns=name,default,type,match,executable | tr -s ' '");
        out = ctl_expect(0, "agentctl runtimes");
        expect_part("titles", "NAME   DEFAULT TYPE   USER ", out);
        expect_part("end", "\n\n2 runtimes listed.\n", out);

        list = ctl_json("agentctl runtimes --json=pretty");
        expect_text("Name", "test-a", member(list, 0, "Name"));
        expect_text("Match", "[ \"a.*\", \"b.*\" ]", member(list, 0, "Match"));
        expect_text("AllowEnvironment", "[ \"X*\" ]", member(list, 0, "AllowEnvironment"));
        expect_text("UnitProperties", "[ \"TasksMax\", \"OOMPolicy\" ]", member(list, 0, "UnitProperties"));
        expect_text("User", mode_is_user() ? "" : AGENT_USER, member(list, 0, "User"));
        expect_part("File", "/runtimes.d/test-a.runtime", member(list, 0, "File"));
        expect_part("File", file, member(list, 0, "File"));
        expect_text("Restart", "always", member(list, 1, "Restart"));
        expect_text("RestartUSec", "2000000", member(list, 1, "RestartUSec"));
        expect_text("StartTimeoutUSec", "30000000", member(list, 1, "StartTimeoutUSec"));
        expect_text("Default", "true", member(list, 1, "Default"));
}

static void test_files_that_are_refused_are_counted(void)
{
        _cleanup_ctl_ CtlResult some = { 0 }, quiet = { 0 };

        runtime_add("test-a", "exec", "wait", NULL);
        runtime_write("test-bad", "[Runtime]\nExce=/bin/true\n");
        host_reload();
        some = ctl("agentctl runtimes --columns=name");
        expect_number("exit status", 0, some.code);
        expect_text("output", "NAME\ntest-a\n\n1 runtime listed.\n", some.out);
        expect_part("errors", "1 more file is not offered, because of what is wrong in it", some.err);
        expect_part("errors", "check-config", some.err);
        quiet = ctl("agentctl runtimes --no-legend --columns=name");
        expect_text("output", "test-a\n", quiet.out);
        expect_text("errors", "", quiet.err);
}

/* The installed completion, in a bash that somebody types into. */
static void test_bash_completes_runtimes_that_the_service_knows(void)
{
        const char *typed = mode_is_user() ? "agentctl --user run --runtime test-s\t\t\nexit\n"
                                           : "agentctl run --runtime test-s\t\t\nexit\n";
        _cleanup_ctl_ CtlResult result = { 0 };

        agents_prepare();
        result = ctl_on_terminal(200, NULL, "ready> ", typed,
                "export PROMPT_COMMAND='PS1=\"ready> \"'; exec bash --noprofile --rcfile /usr/share/bash-completion/completions/agentctl -i");
        expect_part("output", SILENT, result.out);
        expect_part("output", STUBBORN, result.out);
        expect_false("another is offered", strstr(result.out, NOTIFY));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agentctl-fleet/" name, test_##function)
        ADD("a-host-without-a-source-is-the-only-one", a_host_without_a_source_is_the_only_one);
        ADD("hosts-are-listed-and-this-one-is-marked", hosts_are_listed_and_this_one_is_marked);
        ADD("hosts-have-the-agents-that-the-registry-counts",
                hosts_have_the_agents_that_the_registry_counts);
        ADD("a-host-that-drains-is-shown-so", a_host_that_drains_is_shown_so);
        ADD("hosts-are-shown-with-what-they-say-of-themselves",
                hosts_are_shown_with_what_they_say_of_themselves);
        ADD("status-tells-where-the-registry-has-an-agent", status_tells_where_the_registry_has_an_agent);
        ADD("hosts-that-are-not-known-are-an-error", hosts_that_are_not_known_are_an_error);
        ADD("place-says-whose-turn-it-is", place_says_whose_turn_it_is);
        ADD("what-cannot-be-placed-is-told", what_cannot_be_placed_is_told);
        ADD("agents-run-here-where-there-is-no-choice", agents_run_here_where_there_is_no_choice);
        ADD("agents-run-where-it-is-said", agents_run_where_it_is_said);
        ADD("wait-is-for-agents-that-are-here", wait_is_for_agents_that_are_here);
        ADD("fleet-lists-what-it-can-and-says-what-it-cannot",
                fleet_lists_what_it_can_and_says_what_it_cannot);
        ADD("fleet-of-one-host-is-that-host", fleet_of_one_host_is_that_host);
        ADD("runtimes-are-listed", runtimes_are_listed);
        ADD("files-that-are-refused-are-counted", files_that_are_refused_are_counted);
        ADD("bash-completes-runtimes-that-the-service-knows",
                bash_completes_runtimes_that_the_service_knows);
#undef ADD

        return host_tests_run();
}
