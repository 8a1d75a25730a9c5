/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many things at once, things running out, and state files that are not what they were: nothing is lost,
 * doubled or left over, and afterwards all works. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"
#define FILE_OF_A1 "/run/agenthost/agents/agent-a1.scope.json"

static unsigned fleet_size(void)
{
        return g_getenv("AGENTHOST_TEST_ALL") ? 1000 : 150;
}

static Client *begin_with_room(void)
{
        Client *c = agents_begin();

        config_write("[Host]\nMaxAgents=2000\n");
        host_reload();
        return c;
}

/* dbus-daemon lets a connection wait for no more than 128 answers. */
#define AT_ONCE 100u

typedef Call *(*Send)(Client *c, unsigned number);

static Call *send_create(Client *c, unsigned number)
{
        g_autofree char *id = g_strdup_printf("s%u", number), *guild = g_strdup_printf("g%u", number % 10);

        return create_send(c, &(Create){ .id = id, .guild = guild, .runtime = EXEC });
}

static Call *send_stop(Client *c, unsigned number)
{
        g_autofree char *id = g_strdup_printf("s%u", number);

        return client_send(c, MANAGER, "StopAgent", "su", id, 0);
}

static GPtrArray *send_some(Client *c, Send send, unsigned first, unsigned n)
{
        GPtrArray *calls = g_ptr_array_new();

        for (unsigned i = 0; i < n; i++)
                g_ptr_array_add(calls, send(c, first + i));
        return calls;
}

static void do_many(Client *c, Send send, unsigned n)
{
        for (unsigned first = 0; first < n; first += AT_ONCE) {
                g_autoptr(GPtrArray) calls = send_some(c, send, first, MIN(AT_ONCE, n - first));

                for (guint i = 0; i < calls->len; i++)
                        sd_bus_message_unref(call_success(calls->pdata[i]));
        }
}

static void test_many_that_die_at_once_are_all_told_once(void)
{
        _cleanup_client_ Client *c = begin_with_room();
        unsigned n = fleet_size();
        g_autofree char *cleaned = NULL;

        do_many(c, send_create, n);
        g_free(command("systemctl kill --signal=SIGKILL agents.slice"));
        for (unsigned i = 0; i < n; i++) {
                g_autofree char *id = g_strdup_printf("s%u", i);

                agent_wait_end(c, id, "signal", SIGKILL);
        }
        cleaned = agents_clean_up(c);
        g_auto(GStrv) ids = g_strsplit(cleaned, " ", -1);
        expect_number("ended agents", n, g_strv_length(ids));
        fleet_wait_forgotten(c);
}

static void test_many_stops_at_once_leave_nothing(void)
{
        _cleanup_client_ Client *c = begin_with_room();
        unsigned n = fleet_size();

        do_many(c, send_create, n);
        do_many(c, send_stop, n);
        fleet_wait_forgotten(c);
}

/* Each launch is either refused or done, and stopped then. */
static void test_shutdown_amid_launches_leaves_nothing(void)
{
        _cleanup_client_ Client *c = begin_with_room(), *other = client_new();
        g_autoptr(GPtrArray) calls = send_some(c, send_create, 0, 60);

        sd_bus_message_unref(client_call(other, MANAGER, "ShutdownAgents", "u", 0));
        sd_bus_message_unref(client_call(other, MANAGER, "CleanupDeadAgents", ""));
        for (guint i = 0; i < calls->len; i++)
                sd_bus_message_unref(call_answer(calls->pdata[i]));
        sd_bus_message_unref(client_call(other, MANAGER, "ShutdownAgents", "u", 0));
        fleet_wait_forgotten(c);
}

/* It has as many descriptors as it may have; then it may have more again. */
static void expect_to_survive_without_descriptors(const char *service, const char *user)
{
        /* In a container root may have no say about other users' limits. */
        g_autofree char *prlimit =
                g_strdup_printf("setpriv --reuid=%s --regid=%s --clear-groups prlimit", user, user);
        _cleanup_client_ Client *c = agents_begin();
        int pid = (int)service_pid(service);
        g_autofree char *limit = command("%s --pid %d --nofile --output=SOFT --noheadings", prlimit, pid);

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1", "a1");
        g_free(command("%s --pid %d --nofile=3:", prlimit, pid));
        Call *call = create_send(c, &(Create){ .id = "a2", .runtime = NOTIFY });
        sd_bus_message *answer = call_answer(call);
        expect_true("a2 is refused", sd_bus_message_is_method_error(answer, NULL) > 0);
        sd_bus_message_unref(answer);

        g_free(command("%s --pid %d --nofile=%s:", prlimit, pid, g_strstrip(limit)));
        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        fleet_wait(c, "a1 a3", "a3");
        expect_number("the same process", pid, service_pid(service));
}

static void test_agenthostd_survives_without_descriptors(void)
{
        expect_to_survive_without_descriptors(AGENTHOSTD, "agenthost");
}

static void test_launcher_survives_without_descriptors(void)
{
        expect_to_survive_without_descriptors(LAUNCHER, "root");
}

/* The agent runs on, and is listed; its file is written anew, or was right. */
static void expect_back_with_file(const char *change)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_free(systemctl("stop " AGENTHOSTD));
        g_free(command("sh -c '%s'", change));
        g_free(systemctl("start " AGENTHOSTD));
        fleet_wait(c, "a1", "a1");
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
}

static void test_agent_outlives_its_truncated_state_file(void)
{
        expect_back_with_file("truncate --size=100 " FILE_OF_A1);
}

static void test_agent_outlives_its_empty_state_file(void)
{
        expect_back_with_file("truncate --size=0 " FILE_OF_A1);
}

static void test_agent_outlives_the_loss_of_its_state_file(void)
{
        expect_back_with_file("rm " FILE_OF_A1);
}

static void test_state_file_under_another_name_is_not_believed(void)
{
        expect_back_with_file("cp -p " FILE_OF_A1 " /run/agenthost/agents/agent-a2.scope.json");
}

static void test_state_file_of_a_newer_version_is_kept_whole(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_free(systemctl("stop " AGENTHOSTD));
        g_free(command("sed -i 's/^{/{\"a_field_to_come\":{\"x\":[1]},/' " FILE_OF_A1));
        g_free(systemctl("start " AGENTHOSTD));
        fleet_wait(c, "a1", "a1");
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        g_free(command("grep --quiet a_field_to_come " FILE_OF_A1));
}

/* As another version would have written it: with what is written by this one in between. */
static void restart_with_changed_file(const char *from, const char *to)
{
        g_free(systemctl("stop " AGENTHOSTD));
        g_free(command("grep --quiet '%s' " FILE_OF_A1, from));
        g_free(command("sed -i 's/%s/%s/' " FILE_OF_A1, from, to));
        g_free(systemctl("start " AGENTHOSTD));
}

static void test_agent_in_a_state_of_a_newer_version_is_what_the_launcher_tells(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready", .restart = "always" });
        restart_with_changed_file(
                "\"format\":1\\(.*\\)\"state\":\"running\"", "\"format\":2\\1\"state\":\"resting\"");
        fleet_wait(c, "a1", "a1");
        agent_expect(c, "a1", "State", "running");
        agent_expect(c, "a1", "Name", "Agent of a test");
        agent_signal(c, "a1", SIGKILL);
        agent_wait(c, "a1", "Restarts", "1");
        agent_wait(c, "a1", "State", "running");
        fleet_wait(c, "a1", "a1");
}

/* It is lost to this version, which knows the agent from the launcher only; not to the one that wrote it. */
static void test_state_file_that_only_a_newer_version_can_use_is_kept_for_it(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        restart_with_changed_file("\"format\":1", "\"format\":2,\"environment\":{}");
        fleet_wait(c, "a1", "a1");
        agent_expect(c, "a1", "Name", "a1");
        expect_true("the journal says what to do",
                journal_has(AGENTHOSTD, "It is kept as agent-a1.scope.json.newer"));
        g_free(systemctl("restart " AGENTHOSTD));
        fleet_wait(c, "a1", "a1");
        expect_false("the journal says it again", journal_has(AGENTHOSTD, "agent-a1.scope.json"));

        g_free(systemctl("stop " AGENTHOSTD));
        g_free(command("mv " FILE_OF_A1 ".newer " FILE_OF_A1));
        g_free(command("sed -i 's/\"environment\":{},//' " FILE_OF_A1));
        g_free(systemctl("start " AGENTHOSTD));
        fleet_wait(c, "a1", "a1");
        agent_expect(c, "a1", "Name", "Agent of a test");
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/storm/" name, test_##function)
        ADD("many-that-die-at-once-are-all-told-once", many_that_die_at_once_are_all_told_once);
        ADD("many-stops-at-once-leave-nothing", many_stops_at_once_leave_nothing);
        ADD("shutdown-amid-launches-leaves-nothing", shutdown_amid_launches_leaves_nothing);
        ADD("agenthostd-survives-without-descriptors", agenthostd_survives_without_descriptors);
        ADD("launcher-survives-without-descriptors", launcher_survives_without_descriptors);
        ADD("agent-outlives-its-truncated-state-file", agent_outlives_its_truncated_state_file);
        ADD("agent-outlives-its-empty-state-file", agent_outlives_its_empty_state_file);
        ADD("agent-outlives-the-loss-of-its-state-file", agent_outlives_the_loss_of_its_state_file);
        ADD("state-file-under-another-name-is-not-believed", state_file_under_another_name_is_not_believed);
        ADD("state-file-of-a-newer-version-is-kept-whole", state_file_of_a_newer_version_is_kept_whole);
        ADD("agent-in-a-state-of-a-newer-version-is-what-the-launcher-tells",
                agent_in_a_state_of_a_newer_version_is_what_the_launcher_tells);
        ADD("state-file-that-only-a-newer-version-can-use-is-kept-for-it",
                state_file_that_only_a_newer_version_can_use_is_kept_for_it);
#undef ADD

        return host_tests_run();
}
