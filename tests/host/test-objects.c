/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Agents as D-Bus objects: properties and their changes, signals, the object manager, methods on the object.
 */

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define OBJECT_MANAGER HOST_PATH, "org.freedesktop.DBus.ObjectManager"

static void test_properties_tell_of_a_running_agent(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *address = client_property(c, MANAGER, "Address"), *pid_text = NULL, *created = NULL;
        g_autofree char *created_text = NULL, *ready = NULL;
        _cleanup_agent_info_ AgentInfo info = { 0 };
        pid_t pid;

        pid = create(
                c, &(Create){ .id = "a/1", .name = "Name", .class_name = "my.Class", .guild = "guild-1" });
        expect_true("GetAgentInfo", agent_info(c, "a/1", &info));
        pid_text = g_strdup_printf("%d", (int)pid);
        created_text = g_strdup_printf("%" PRIu64, info.created_at_usec);

        agent_expect(c, "a/1", "Id", "a/1");
        agent_expect(c, "a/1", "GuildId", "guild-1");
        agent_expect(c, "a/1", "Name", "Name");
        agent_expect(c, "a/1", "ClassName", "my.Class");
        agent_expect(c, "a/1", "Runtime", EXEC);
        agent_expect(c, "a/1", "Unit", "agent-a\\x2f1.scope");
        agent_expect(c, "a/1", "State", "running");
        agent_expect(c, "a/1", "Result", "success");
        agent_expect(c, "a/1", "StatusText", "");
        agent_expect(c, "a/1", "HostAddress", address);
        agent_expect(c, "a/1", "MainPID", pid_text);
        agent_expect(c, "a/1", "Alive", "true");
        agent_expect(c, "a/1", "ExitStatus", "0");
        agent_expect(c, "a/1", "ExitedAt", "0");
        agent_expect(c, "a/1", "CreatedAt", created_text);
        created = agent_property(c, "a/1", "CreatedAt");
        ready = agent_property(c, "a/1", "ReadyAt");
        expect_true("ReadyAt is not before CreatedAt",
                g_ascii_strtoull(ready, NULL, 10) >= g_ascii_strtoull(created, NULL, 10));
}

static void test_properties_of_the_host(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *name = g_strstrip(command("uname -n")),
                        *address = g_strconcat(name, ":50051", NULL);
        g_autofree char *version = command("/usr/lib/agenthost/agenthostd --version");

        client_expect_property(c, MANAGER, "Hostname", name);
        client_expect_property(c, MANAGER, "Address", address);
        expect_part("version", "agenthost ", version);
        client_expect_property(c, MANAGER, "Version", g_strstrip(version) + strlen("agenthost "));

        config_write("[Host]\nHostname=other\n[Peers]\nPort=50052\n");
        host_reload();
        client_expect_property(c, MANAGER, "Hostname", "other");
        client_expect_property(c, MANAGER, "Address", "other:50052");
}

static void test_changes_are_told_as_they_happen(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");
        g_autofree char *ready = NULL, *ready_expected = NULL, *ended = NULL, *ended_expected = NULL;
        g_autofree char *ready_at = NULL, *exited_at = NULL;

        create(c, &(Create){ .id = "a1", .runtime = SILENT });
        agent_let_be_ready(c, "a1");
        ready = client_wait_changed(c, path, AGENT_INTERFACE, "State");
        ready_at = agent_property(c, "a1", "ReadyAt");
        ready_expected = g_strdup_printf("ReadyAt=%s State=running", ready_at);
        expect_text("changes when ready", ready_expected, ready);

        agent_signal(c, "a1", SIGKILL);
        ended = client_wait_changed(c, path, AGENT_INTERFACE, "State");
        exited_at = agent_property(c, "a1", "ExitedAt");
        ended_expected = g_strdup_printf(
                "Alive=false ExitStatus=9 ExitedAt=%s MainPID=0 NextStartAt=0 OOMLevel= Result=signal State=failed",
                exited_at);
        expect_text("changes when ended", ended_expected, ended);
        expect_true("ExitedAt is not before ReadyAt",
                g_ascii_strtoull(exited_at, NULL, 10) >= g_ascii_strtoull(ready_at, NULL, 10));
}

static void test_status_text_is_told_as_it_changes(void)
{
        static const char *const texts[] = { "first", "second" };
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");

        runtime_add("test-status", "notify", "ready wait status=first wait status=second wait", NULL);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-status", .wait = "ready" });
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                g_autofree char *expected = g_strconcat("StatusText=", texts[i], NULL), *got = NULL;

                agent_signal(c, "a1", SIGUSR1);
                got = client_wait_changed(c, path, AGENT_INTERFACE, "StatusText");
                expect_text("changes", expected, got);
        }
}

static void test_stop_is_told_as_a_change_of_state(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");
        g_autofree char *got = NULL;

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        client_drop_signals(c);
        expect_true("StopAgent", agent_stop(c, "a1", 1));
        got = client_wait_changed(c, path, AGENT_INTERFACE, "State");
        expect_text("changes", "State=stopping", got);
}

static void test_count_of_agents_is_told(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *one = NULL, *none = NULL;

        create(c, &(Create){ .id = "a1" });
        one = client_wait_changed(c, MANAGER, "AgentCount");
        expect_text("changes", "AgentCount=1", one);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        none = client_wait_changed(c, MANAGER, "AgentCount");
        expect_text("changes", "AgentCount=0", none);
}

/* Of the signals that tell of agents, not of properties. */
static char *list_agent_signals(Client *c)
{
        g_auto(GStrv) all = client_list_signals(c);
        g_autoptr(GString) text = g_string_new(NULL);

        for (char **s = all; *s; s++)
                if (g_str_has_prefix(*s, "Agent"))
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", *s);
        return g_string_free(g_steal_pointer(&text), false);
}

static void expect_agent_signals(Client *c, const char *expected)
{
        g_autofree char *got = NULL;

        /* An answer after them: they are all there. */
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        got = list_agent_signals(c);
        expect_text("signals", expected, got);
        client_drop_signals(c);
}

static void test_signals_tell_of_an_agents_life(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        expect_agent_signals(c, "AgentAdded a1");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_agent_signals(c, "AgentExited a1, AgentRemoved a1");

        create(c, &(Create){ .id = "a2" });
        agent_signal(c, "a2", SIGKILL);
        agent_wait(c, "a2", "Alive", "false");
        expect_agent_signals(c, "AgentAdded a2, AgentExited a2");
        g_free(agents_clean_up(c));
        expect_agent_signals(c, "AgentRemoved a2");
}

static void test_failed_start_sends_no_signals(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_write("test-broken", "[Runtime]\nExec=/nowhere\n%s\n", runtime_user());
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = "test-broken" }, ERROR_("StartFailed"), NULL);
        expect_agent_signals(c, "");
}

static void test_requested_stop_counts_as_success(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        agent_wait_end(c, "a1", "success", 0);
        create(c, &(Create){ .id = "a2", .runtime = STUBBORN, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "a2", 1));
        agent_wait_end(c, "a2", "success", SIGKILL);
}

static void test_administrators_stop_is_a_requested_one(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_free(systemctl("stop agent-a1.scope"));
        agent_wait_end(c, "a1", "success", 0);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        expect_false("a1", agent_is_known(c, "a1"));
}

/* The Agent interface's properties in an a{sa{sv}}, as "Name=value"; NULL if it is not in there. */
static char **read_agent_interface(sd_bus_message *m)
{
        char **found = NULL;
        int r;

        must(sd_bus_message_enter_container(m, 'a', "{sa{sv}}"), "reading interfaces");
        while ((r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                g_auto(GStrv) pairs = NULL;
                const char *interface;

                must(sd_bus_message_read(m, "s", &interface), "reading interfaces");
                pairs = message_read_dictionary(m);
                if (strcmp(interface, AGENT_INTERFACE) == 0)
                        found = g_steal_pointer(&pairs);
                must(sd_bus_message_exit_container(m), "reading interfaces");
        }
        must(r, "reading interfaces");
        must(sd_bus_message_exit_container(m), "reading interfaces");
        return found;
}

static void expect_pair(char **pairs, const char *pair)
{
        if (!pairs || !g_strv_contains((const char *const *)pairs, pair))
                fail("properties: expected %s among them, it is not", pair);
}

static void test_object_manager_lists_agents_with_their_properties(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_message_ sd_bus_message *answer = NULL;
        unsigned n_agents = 0;
        int r;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        answer = client_call(c, OBJECT_MANAGER, "GetManagedObjects", "");
        must(sd_bus_message_enter_container(answer, 'a', "{oa{sa{sv}}}"), "reading objects");
        while ((r = sd_bus_message_enter_container(answer, 'e', "oa{sa{sv}}")) > 0) {
                g_auto(GStrv) pairs = NULL;
                const char *path;

                must(sd_bus_message_read(answer, "o", &path), "reading objects");
                pairs = read_agent_interface(answer);
                must(sd_bus_message_exit_container(answer), "reading objects");
                if (!g_str_has_prefix(path, AGENT_PATH_PREFIX "/"))
                        continue;
                expect_pair(pairs, g_str_has_suffix(path, "/a1") ? "Id=a1" : "Id=a2");
                expect_pair(pairs, "State=running");
                n_agents++;
        }
        must(r, "reading objects");
        expect_number("agents", 2, n_agents);
}

static sd_bus_message *take_object_signal(Client *c, const char *member, const char *expected_path)
{
        sd_bus_message *m = client_take_signal(c, member, NULL);
        const char *path;

        must(sd_bus_message_read(m, "o", &path), "reading a signal");
        expect_text(member, expected_path, path);
        expect_text("object of the signal", HOST_PATH, sd_bus_message_get_path(m));
        return m;
}

static void test_object_manager_tells_of_comings_and_goings(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_message_ sd_bus_message *added = NULL, *removed = NULL;
        _cleanup_free_ char *path = agent_path("a1");
        g_auto(GStrv) pairs = NULL, interfaces = NULL;
        char **read = NULL;

        create(c, &(Create){ .id = "a1" });
        added = take_object_signal(c, "InterfacesAdded", path);
        pairs = read_agent_interface(added);
        expect_pair(pairs, "Id=a1");
        expect_pair(pairs, "State=running");

        expect_true("StopAgent", agent_stop(c, "a1", 0));
        removed = take_object_signal(c, "InterfacesRemoved", path);
        must(sd_bus_message_read_strv(removed, &read), "reading InterfacesRemoved");
        interfaces = read;
        expect_pair(interfaces, AGENT_INTERFACE);
        expect_text("property of what was removed", NULL,
                client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, "Id"));
}

static void test_stop_on_the_object_stops_the_agent(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");

        create(c, &(Create){ .id = "a1" });
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Stop", "u", 0u));
        expect_false("a1", agent_is_known(c, "a1"));
        expect_number("processes", 0, agent_process_count());
}

static void test_kill_signals_one_process_or_all(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");

        /* At SIGUSR1 the main process goes on, and its children too. */
        runtime_add("test-family", "notify", "children=3 ready wait status=signalled wait", NULL);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-family", .wait = "ready" });
        expect_number("processes", 4, agent_process_count());
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Kill", "si", "main", SIGUSR1));
        agent_wait(c, "a1", "StatusText", "signalled");
        expect_number("processes", 4, agent_process_count());
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Kill", "si", "all", SIGKILL));
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_number("processes", 0, agent_process_count());

        call_expect_error(client_send(c, path, AGENT_INTERFACE, "Kill", "si", "main", SIGTERM),
                ERROR_("NoSuchAgent"), "Agent a1 is not running");
}

static void test_kill_checks_its_arguments(void)
{
        static const int bad_signals[] = { 0, -1, 65, INT32_MAX };
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");

        create(c, &(Create){ .id = "a1" });
        call_expect_error(client_send(c, path, AGENT_INTERFACE, "Kill", "si", "everybody", SIGTERM),
                INVALID_ARGS, "who must be 'main' or 'all', not 'everybody'");
        for (size_t i = 0; i < ELEMENTSOF(bad_signals); i++)
                call_expect_error(
                        client_send(c, path, AGENT_INTERFACE, "Kill", "si", "main", bad_signals[i]),
                        INVALID_ARGS, "is not between 1 and");
        agent_expect(c, "a1", "State", "running");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/objects/" name, test_##function)
        ADD("properties-tell-of-a-running-agent", properties_tell_of_a_running_agent);
        ADD("properties-of-the-host", properties_of_the_host);
        ADD("changes-are-told-as-they-happen", changes_are_told_as_they_happen);
        ADD("status-text-is-told-as-it-changes", status_text_is_told_as_it_changes);
        ADD("stop-is-told-as-a-change-of-state", stop_is_told_as_a_change_of_state);
        ADD("count-of-agents-is-told", count_of_agents_is_told);
        ADD("signals-tell-of-an-agents-life", signals_tell_of_an_agents_life);
        ADD("failed-start-sends-no-signals", failed_start_sends_no_signals);
        ADD("requested-stop-counts-as-success", requested_stop_counts_as_success);
        ADD("administrators-stop-is-a-requested-one", administrators_stop_is_a_requested_one);
        ADD("object-manager-lists-agents-with-their-properties",
                object_manager_lists_agents_with_their_properties);
        ADD("object-manager-tells-of-comings-and-goings", object_manager_tells_of_comings_and_goings);
        ADD("stop-on-the-object-stops-the-agent", stop_on_the_object_stops_the_agent);
        ADD("kill-signals-one-process-or-all", kill_signals_one_process_or_all);
        ADD("kill-checks-its-arguments", kill_checks_its_arguments);
#undef ADD

        return host_tests_run();
}
