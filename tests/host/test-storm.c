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

/* A daemon that has as many descriptors as it may have, until it may have more again. */
typedef struct Shortage {
        char *prlimit, *limit;
        int pid;
} Shortage;

static Shortage shortage_begin(const char *service, const char *user)
{
        /* In a container root may have no say about other users' limits. */
        char *prlimit = g_strdup_printf("setpriv --reuid=%s --regid=%s --clear-groups prlimit", user, user);
        int pid = (int)service_pid(service);
        char *limit = command("%s --pid %d --nofile --output=SOFT --noheadings", prlimit, pid);

        g_free(command("%s --pid %d --nofile=3:", prlimit, pid));
        return (Shortage){ .prlimit = prlimit, .limit = g_strstrip(limit), .pid = pid };
}

static void shortage_end(const char *service, Shortage *s)
{
        g_free(command("%s --pid %d --nofile=%s:", s->prlimit, s->pid, s->limit));
        expect_number("the same process", s->pid, service_pid(service));
        g_free(s->prlimit);
        g_free(s->limit);
}

static void expect_to_survive_without_descriptors(const char *service, const char *user)
{
        _cleanup_client_ Client *c = agents_begin();
        Shortage shortage;

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1", "a1");
        shortage = shortage_begin(service, user);
        Call *call = create_send(c, &(Create){ .id = "a2", .runtime = NOTIFY });
        sd_bus_message *answer = call_answer(call);
        expect_true("a2 is refused", sd_bus_message_is_method_error(answer, NULL) > 0);
        sd_bus_message_unref(answer);

        shortage_end(service, &shortage);
        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        fleet_wait(c, "a1 a3", "a3");
}

static void test_agenthostd_survives_without_descriptors(void)
{
        expect_to_survive_without_descriptors(AGENTHOSTD, "agenthost");
}

static void test_launcher_survives_without_descriptors(void)
{
        expect_to_survive_without_descriptors(LAUNCHER, "root");
}

static Client *begin_with_agents(void)
{
        static const char *const ids[] = { "a1", "a2", "a3" };
        Client *c = agents_begin();

        config_write("[Host]\nMaxAgents=7\n");
        host_reload();
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                create(c, &(Create){ .id = ids[i], .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1 a2 a3", "a1 a2 a3");
        return c;
}

/* All that does not start an agent goes on; settings and runtimes stay as they were. */
static void expect_life_without_descriptors(Client *c)
{
        _cleanup_client_ Client *other = NULL;
        g_autofree char *list = NULL;

        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_true("a2 is stopped", agent_stop(c, "a2", 0));
        agent_wait_end(c, "a2", "success", 0);

        other = client_new();
        list = agent_list(other, "");
        expect_text("agents", "a1 a3", list);
        config_write("[Host]\nMaxAgents=8\n");
        host_reload();
        agent_expect(other, "a3", "State", "running");
}

/* Whatever could not be written down or read meanwhile has been by now; or is, when it is asked for. */
static void expect_life_with_descriptors(Client *c)
{
        create(c, &(Create){ .id = "a4", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1 a3 a4", "a3 a4");
        host_reload();
        client_expect_property(c, MANAGER, "MaxAgents", "8");
        agenthostd_crash();
        fleet_wait(c, "a1 a3 a4", "a3 a4");
        agent_expect(c, "a1", "Result", "signal");
        agent_expect(c, "a1", "ExitStatus", "9");
        expect_true("a3 is stopped", agent_stop(c, "a3", 0));
        fleet_wait(c, "a1 a4", "a4");
}

/* max_agents: what is in effect meanwhile: 7, unless the reload that sets 8 can read it. */
static void expect_nothing_lost(const char *service, const char *user, const char *max_agents)
{
        _cleanup_client_ Client *c = begin_with_agents();
        Shortage shortage = shortage_begin(service, user);

        expect_life_without_descriptors(c);
        client_expect_property(c, MANAGER, "MaxAgents", max_agents);
        shortage_end(service, &shortage);
        expect_life_with_descriptors(c);
}

static void test_agenthostd_short_of_descriptors_loses_nothing(void)
{
        expect_nothing_lost(AGENTHOSTD, "agenthost", "7");
}

static void test_launcher_short_of_descriptors_loses_nothing(void)
{
        expect_nothing_lost(LAUNCHER, "root", "8");
}

static void wait_for_journal(const char *service, const char *part)
{
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        while (!journal_has(service, part)) {
                if (g_get_monotonic_time() > deadline)
                        fail("the journal of %s: expected '%s' in it, it is not", service, part);
                g_usleep(50 * 1000);
        }
}

/* It cannot take agenthostd's new connection, which waits. */
static void test_launcher_short_of_descriptors_keeps_agenthostd_waiting(void)
{
        _cleanup_client_ Client *c = begin_with_agents();
        Shortage shortage = shortage_begin(LAUNCHER, "root");

        service_signal(AGENTHOSTD, SIGKILL);
        wait_for_journal(LAUNCHER, "Cannot accept a connection");
        shortage_end(LAUNCHER, &shortage);
        fleet_wait(c, "a1 a2 a3", "a1 a2 a3");
        create(c, &(Create){ .id = "a4", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1 a2 a3 a4", "a1 a2 a3 a4");
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
        ADD("agenthostd-short-of-descriptors-loses-nothing", agenthostd_short_of_descriptors_loses_nothing);
        ADD("launcher-short-of-descriptors-loses-nothing", launcher_short_of_descriptors_loses_nothing);
        ADD("launcher-short-of-descriptors-keeps-agenthostd-waiting",
                launcher_short_of_descriptors_keeps_agenthostd_waiting);
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
