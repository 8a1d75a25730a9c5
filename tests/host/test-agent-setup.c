/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a runtime's settings and a caller's options in the agent that is started: its scope, its
 * process, its texts. The services' own sandboxes are none of its business. */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define SETUP "test-setup"

static Client *begin_with(const char *settings)
{
        Client *c = agents_begin();

        runtime_add(SETUP, "exec", "wait", settings);
        host_reload();
        return c;
}

static void test_settings_are_those_of_the_scope(void)
{
        static const struct {
                const char *interface, *name, *expected;
        } cases[] = {
                { "Scope", "MemoryMax", "536870912" },
                { "Scope", "MemoryHigh", "268435456" },
                { "Scope", "TasksMax", "64" },
                { "Scope", "CPUWeight", "200" },
                { "Scope", "CPUQuotaPerSecUSec", "1500000" },
                { "Scope", "IOWeight", "50" },
                { "Scope", "IPAccounting", "true" },
                { "Scope", "DevicePolicy", "closed" },
                { "Scope", "Delegate", "true" },
                { "Scope", "OOMPolicy", "continue" },
                { "Scope", "KillSignal", "2" },
                { "Scope", "TimeoutStopUSec", "5000000" },
                { "Scope", "Slice", "agents-guild_1.slice" },
                { "Unit", "Description", "Agent a/1" },
        };
        _cleanup_client_ Client *c =
                begin_with("MemoryMax=512M\nMemoryHigh=256M\nTasksMax=64\nCPUWeight=200\n"
                           "CPUQuota=150%\nIOWeight=50\nIPAccounting=yes\nDevicePolicy=closed\n"
                           "Delegate=yes\nOOMPolicy=continue\nStopSignal=SIGINT\nStopTimeoutSec=5");
        g_autofree char *unit = agent_unit("a/1");

        create(c, &(Create){ .id = "a/1", .guild = "guild_1", .runtime = SETUP });
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *got = scope_property(unit, cases[i].interface, cases[i].name);

                expect_text(cases[i].name, cases[i].expected, got);
        }
}

/* systemd's own default would stop the agent when one helper of it runs out of memory. */
static void test_scope_has_our_defaults(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *policy = NULL, *timeout = NULL, *memory = NULL;

        create(c, &(Create){ .id = "a1" });
        policy = scope_property("agent-a1.scope", "Scope", "OOMPolicy");
        expect_text("OOMPolicy", "kill", policy);
        timeout = scope_property("agent-a1.scope", "Scope", "TimeoutStopUSec");
        expect_text("TimeoutStopUSec", "10000000", timeout);
        memory = scope_property("agent-a1.scope", "Scope", "MemoryMax");
        expect_text("MemoryMax", "18446744073709551615", memory);
}

/* A line of /proc/PID/status. */
static char *status_line(pid_t pid, const char *key)
{
        g_autofree char *text = command("grep '^%s:' /proc/%d/status", key, (int)pid);

        return g_strdup(g_strstrip(text + strlen(key) + 1));
}

static void expect_status(pid_t pid, const char *key, const char *expected)
{
        g_autofree char *got = status_line(pid, key);

        expect_text(key, expected, got);
}

static void expect_same_namespace(pid_t pid, const char *name)
{
        g_autofree char *own = g_strdup_printf("/proc/%d/ns/%s", (int)pid, name);
        g_autofree char *first = g_strdup_printf("/proc/1/ns/%s", name);
        g_autofree char *got = g_file_read_link(own, NULL), *expected = g_file_read_link(first, NULL);

        expect_text(own, expected, got);
}

static void test_agents_do_not_inherit_the_services_sandbox(void)
{
        static const char *const namespaces[] = { "mnt", "net", "user", "pid", "ipc", "uts", "cgroup" };
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_autofree char *capabilities = status_line(1, "CapBnd");
        g_autofree char *score = command("cat /proc/%d/oom_score_adj", (int)pid);

        for (size_t i = 0; i < ELEMENTSOF(namespaces); i++)
                expect_same_namespace(pid, namespaces[i]);
        expect_status(pid, "Seccomp", "0");
        expect_status(pid, "CapBnd", capabilities);
        expect_status(pid, "CapEff", "0000000000000000");
        expect_text("OOM score", "0", g_strstrip(score));
}

static void test_new_privileges_follow_the_runtime(void)
{
        _cleanup_client_ Client *c = begin_with("NoNewPrivileges=no");
        pid_t without = create(c, &(Create){ .id = "without", .runtime = EXEC });
        pid_t with = create(c, &(Create){ .id = "with", .runtime = SETUP });

        expect_status(without, "NoNewPrivs", "1");
        expect_status(with, "NoNewPrivs", "0");
}

static void test_options_reach_the_agent(void)
{
        _cleanup_client_ Client *c = begin_with("AllowEnvironment=MY_*\nEnvironment=MY_A=1 MY_B=2");
        pid_t pid = create(c,
                &(Create){ .id = "a1",
                        .guild = "guild 1",
                        .runtime = SETUP,
                        .machine_id = -7,
                        .client_type = "MyClient",
                        .environment = "MY_A=3" });

        process_expect_variable(pid, "AGENTHOST_AGENT_ID=a1");
        process_expect_variable(pid, "AGENTHOST_GUILD_ID=guild 1");
        process_expect_variable(pid, "AGENTHOST_MACHINE_ID=-7");
        process_expect_variable(pid, "AGENTHOST_CLIENT_TYPE=MyClient");
        process_expect_variable(pid, "NOTIFY_SOCKET=" NOTIFY_SOCKET_PATH);
        process_expect_variable(pid, "CREDENTIALS_DIRECTORY=" CREDENTIALS_DIR "/agent-a1.scope");
        process_expect_variable(pid, "MY_A=3");
        process_expect_variable(pid, "MY_B=2");
        process_expect_variable(pid, "USER=" AGENT_USER);
}

static void test_client_type_has_the_originals_default(void)
{
        _cleanup_client_ Client *c = begin_with("ClientTypes=First Second");

        process_expect_variable(
                create(c, &(Create){ .id = "any" }), "AGENTHOST_CLIENT_TYPE=MessageTrackingClient");
        process_expect_variable(
                create(c, &(Create){ .id = "listed", .runtime = SETUP }), "AGENTHOST_CLIENT_TYPE=First");
}

static void expect_text_file(const char *name, const char *expected)
{
        g_autofree char *path = g_strconcat(CREDENTIALS_DIR "/agent-a1.scope/", name, NULL), *text = NULL;
        g_autoptr(GError) error = NULL;

        if (!g_file_get_contents(path, &text, NULL, &error))
                fail("%s", error->message);
        expect_text(name, expected, text);
}

/* Byte for byte, with what nobody here knows. */
static void test_texts_reach_the_agent_as_they_were(void)
{
        static const char agent[] = " { \"id\" : \"a1\",\"name\":\"n\", \"later\":[1.50,1e3,{\"x\":null}],\n"
                                    "\"big\":123456789012345678901234567890, \"esc\":\"\\u00e9\\/\" }\n";
        static const char guild[] = "{\"agents\":[{\"id\":\"a1\"}], \"id\":\"g\"}";
        _cleanup_client_ Client *c = agents_begin();

        create(c,
                &(Create){ .agent_spec = agent,
                        .guild_spec = guild,
                        .messaging_config = "{\"backend_module\": \"m\"}",
                        .client_properties = "{ \"a\":1 }" });
        expect_text_file("agent_spec", agent);
        expect_text_file("guild_spec", guild);
        expect_text_file("messaging_config", "{\"backend_module\": \"m\"}");
        expect_text_file("client_properties", "{ \"a\":1 }");
}

static void test_empty_texts_mean_empty_objects(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .messaging_config = "", .client_properties = "" });
        expect_text_file("messaging_config", "{}");
        expect_text_file("client_properties", "{}");
}

/* As the original's own programs write them. */
static void test_real_specs_are_taken(void)
{
        static const char *const names[] = { "echo", "generated-id", "initiator", "responder" };
        const char *source = getenv("AGENTHOST_SOURCE_DIR");
        _cleanup_client_ Client *c = agents_begin();

        if (!source)
                fail("AGENTHOST_SOURCE_DIR is not set");
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                g_autofree char *agent =
                        command("cat %s/tests/data/specs/agent_spec-%s.json", source, names[i]);
                g_autofree char *guild = command("cat %s/tests/data/specs/guild_spec.json", source);
                g_autofree char *messaging =
                        command("cat %s/tests/data/specs/messaging_config-redis.json", source);

                create(c,
                        &(Create){
                                .agent_spec = agent, .guild_spec = guild, .messaging_config = messaging });
        }
        expect_number("processes", ELEMENTSOF(names), agent_process_count());
}

static void test_output_goes_to_the_agents_own_journal(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *log = NULL;

        runtime_write("test-says",
                "[Runtime]\nUser=" AGENT_USER
                "\nExec=/bin/sh -c 'echo agent %%a says hello; echo and more >&2'\n");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-says" });
        agent_wait_end(c, "a1", "success", 0);
        g_free(command("journalctl --sync"));
        log = command("journalctl --output=cat --unit=agent-a1.scope");
        expect_part("journal", "agent a1 says hello\n", log);
        expect_part("journal", "and more\n", log);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agent-setup/" name, test_##function)
        ADD("settings-are-those-of-the-scope", settings_are_those_of_the_scope);
        ADD("scope-has-our-defaults", scope_has_our_defaults);
        ADD("agents-do-not-inherit-the-services-sandbox", agents_do_not_inherit_the_services_sandbox);
        ADD("new-privileges-follow-the-runtime", new_privileges_follow_the_runtime);
        ADD("options-reach-the-agent", options_reach_the_agent);
        ADD("client-type-has-the-original-s-default", client_type_has_the_originals_default);
        ADD("texts-reach-the-agent-as-they-were", texts_reach_the_agent_as_they_were);
        ADD("empty-texts-mean-empty-objects", empty_texts_mean_empty_objects);
        ADD("real-specs-are-taken", real_specs_are_taken);
        ADD("output-goes-to-the-agent-s-own-journal", output_goes_to_the_agents_own_journal);
#undef ADD

        return host_tests_run();
}
