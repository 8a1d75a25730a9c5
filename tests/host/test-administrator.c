/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an administrator does around us with systemd's own tools, and to systemd itself: no agent is lost by
 * it, and how each ended is told rightly. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define TALKER "test-talker"
#define FOREIGN "agent-x1.scope"

/* a1 and a2 in guild g, b1 in guild h. */
static Client *begin_with_three(void)
{
        Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "b1", .runtime = NOTIFY, .wait = "ready", .guild = "h" });
        fleet_wait(c, "a1 a2 b1", "a1 a2 b1");
        return c;
}

static void expect_stopped(Client *c, const char *id)
{
        agent_wait_end(c, id, "success", 0);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", id));
}

static void test_stop_of_a_guilds_slice_stops_its_agents_only(void)
{
        _cleanup_client_ Client *c = begin_with_three();

        g_free(command("systemctl stop agents-g.slice"));
        expect_stopped(c, "a1");
        expect_stopped(c, "a2");
        fleet_wait(c, "b1", "b1");
}

static void test_stop_of_all_agents_is_as_many_requested_stops(void)
{
        _cleanup_client_ Client *c = begin_with_three();

        g_free(command("systemctl stop agents.slice"));
        expect_stopped(c, "a1");
        expect_stopped(c, "a2");
        expect_stopped(c, "b1");
        fleet_wait(c, "", "");
        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1", "a1");
}

static void test_kill_is_no_stop(void)
{
        _cleanup_client_ Client *c = begin_with_three();

        g_free(command("systemctl kill --signal=SIGKILL agent-a1.scope"));
        agent_wait_end(c, "a1", "signal", SIGKILL);
        g_free(command("systemctl kill --signal=SIGTERM agent-a2.scope"));
        agent_wait_end(c, "a2", "success", 0);
        agent_expect(c, "a2", "State", "exited");
        fleet_wait(c, "a1 a2 b1", "b1");
}

static void test_kill_of_a_slice_is_told_of_each_of_its_agents(void)
{
        _cleanup_client_ Client *c = begin_with_three();

        g_free(command("systemctl kill --signal=SIGKILL agents-g.slice"));
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_wait_end(c, "a2", "signal", SIGKILL);
        fleet_wait(c, "a1 a2 b1", "b1");
        g_free(command("systemctl kill --signal=SIGKILL agents.slice"));
        agent_wait_end(c, "b1", "signal", SIGKILL);
        fleet_wait(c, "a1 a2 b1", "");
}

static void test_settings_of_a_guild_leave_its_agents_alone(void)
{
        _cleanup_client_ Client *c = begin_with_three();
        g_autofree char *limit = NULL;

        g_free(command("systemctl set-property --runtime agents-g.slice TasksMax=777"));
        fleet_wait(c, "a1 a2 b1", "a1 a2 b1");
        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        limit = command("systemctl show --property=TasksMax --value agents-g.slice");
        expect_text("TasksMax", "777", g_strstrip(limit));
        g_free(command("systemctl revert agents-g.slice"));
        fleet_wait(c, "a1 a2 a3 b1", "a1 a2 a3 b1");
}

/* Agents run, end and are launched meanwhile. */
static void expect_unharmed_by(const char *what)
{
        _cleanup_client_ Client *c = begin_with_three();

        agent_signal(c, "a1", SIGKILL);
        Call *call = create_send(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        g_free(command("%s", what));
        agent_signal(c, "a2", SIGTERM);
        sd_bus_message_unref(call_success(call));
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_wait_end(c, "a2", "success", 0);
        fleet_wait(c, "a1 a2 a3 b1", "a3 b1");

        expect_true("b1", agent_stop(c, "b1", 0));
        g_free(command("systemctl stop agent-a3.scope"));
        expect_stopped(c, "a3");
        fleet_wait(c, "a1 a2", "");
}

static void test_reload_of_systemd_loses_nothing(void)
{
        expect_unharmed_by("systemctl daemon-reload");
}

static void test_reexecution_of_systemd_loses_nothing(void)
{
        expect_unharmed_by("systemctl daemon-reexec");
}

/* What it says last, and in which unit, is in the journal. */
static void expect_heard_after(const char *what)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *words = NULL;
        pid_t pid;

        runtime_add(TALKER, "notify", "ready wait log=7 exit=3", NULL);
        host_reload();
        pid = create(c, &(Create){ .id = "a1", .runtime = TALKER, .wait = "ready" });
        g_free(command("%s", what));
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        /* It may be on its way back. */
        g_free(command("timeout 60 sh -c 'until journalctl --sync; do sleep 0.1; done'"));
        words = command(
                "journalctl --output=cat _TRANSPORT=stdout _SYSTEMD_UNIT=agent-a1.scope _PID=%d", (int)pid);
        expect_number("bytes in the journal", 7, strlen(g_strstrip(words)));
        fleet_wait(c, "a1", "");
}

static void test_restart_of_the_journal_loses_no_agents_words(void)
{
        expect_heard_after("systemctl restart systemd-journald.service");
}

static void test_agents_are_heard_after_the_death_of_the_journal(void)
{
        expect_heard_after("sh -c 'systemctl kill --signal=SIGKILL systemd-journald.service && "
                           "until journalctl --sync; do sleep 0.1; done'");
}

static void test_scope_of_somebody_else_is_not_taken_over(void)
{
        _cleanup_client_ Client *c = agents_begin();

        g_free(command(
                "sh -c 'systemd-run --quiet --scope --unit=agent-a1.scope sleep 1000 >/dev/null 2>&1 & "
                "until systemctl --quiet is-active agent-a1.scope; do sleep 0.05; done'"));
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"), "agent-a1.scope");
        g_free(command("systemctl is-active agent-a1.scope"));
        g_free(command("systemctl stop agent-a1.scope"));
        create(c, &(Create){ .id = "a1" });
        fleet_wait(c, "a1", "a1");
}

static void expect_foreign_scope(Client *c, const char *pid, const char *agents)
{
        g_autofree char *now =
                command("cat /sys/fs/cgroup/agents.slice/agents-g.slice/" FOREIGN "/cgroup.procs");
        g_autofree char *listed = agent_list(c, "");

        expect_text("its process", pid, now);
        expect_text("agents", agents, listed);
}

static void test_scope_of_somebody_else_in_a_guilds_slice_is_left_alone(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *pid = NULL;

        g_free(command("sh -c 'systemd-run --quiet --scope --slice=agents-g.slice --unit=" FOREIGN
                       " sleep 1000 >/dev/null 2>&1 & "
                       "until systemctl --quiet is-active " FOREIGN "; do sleep 0.05; done'"));
        pid = command("cat /sys/fs/cgroup/agents.slice/agents-g.slice/" FOREIGN "/cgroup.procs");
        create(c, &(Create){ .id = "a1" });
        expect_foreign_scope(c, pid, "a1");
        g_free(command("systemctl restart agenthost-launcher.service agenthostd.service"));
        (void)create_when_possible(c, "a2");
        expect_foreign_scope(c, pid, "a1 a2");
        launcher_crash();
        agenthostd_crash();
        (void)create_when_possible(c, "a3");
        expect_foreign_scope(c, pid, "a1 a2 a3");
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 1u));
        expect_foreign_scope(c, pid, "");
        g_free(command("systemctl stop " FOREIGN));
        fleet_wait(c, "", "");
}

/* systemd loads no file for a scope. */
static void test_mask_of_an_agents_scope_has_no_effect(void)
{
        _cleanup_client_ Client *c = agents_begin();

        g_free(command("systemctl mask --runtime --quiet agent-a1.scope"));
        create(c, &(Create){ .id = "a1" });
        fleet_wait(c, "a1", "a1");
        g_free(command("systemctl unmask --runtime --quiet agent-a1.scope"));
}

static void test_mask_of_a_guilds_slice_is_told(void)
{
        _cleanup_client_ Client *c = agents_begin();

        g_free(command("systemctl mask --runtime --quiet agents-m.slice"));
        create_expect_error(c, &(Create){ .id = "a1", .guild = "m" }, ERROR_("StartFailed"),
                "agents-m.slice is masked. (to allow it again: systemctl unmask)");
        expect_false("a1", agent_is_known(c, "a1"));
        create(c, &(Create){ .id = "a2" });
        g_free(command("systemctl unmask --runtime --quiet agents-m.slice"));
        create(c, &(Create){ .id = "a1", .guild = "m" });
        fleet_wait(c, "a1 a2", "a1 a2");
}

static void test_runtime_that_is_no_more_leaves_its_agents(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(TALKER, "notify", "ready wait", NULL);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = TALKER, .wait = "ready" });
        g_free(command("rm /etc/agenthost/runtimes.d/" TALKER ".runtime"));
        host_reload();
        create_expect_error(c, &(Create){ .id = "a2", .runtime = TALKER }, ERROR_("NoSuchRuntime"), TALKER);
        fleet_wait(c, "a1", "a1");
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait(c, "", "");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/administrator/" name, test_##function)
        ADD("stop-of-a-guilds-slice-stops-its-agents-only", stop_of_a_guilds_slice_stops_its_agents_only);
        ADD("stop-of-all-agents-is-as-many-requested-stops", stop_of_all_agents_is_as_many_requested_stops);
        ADD("kill-is-no-stop", kill_is_no_stop);
        ADD("kill-of-a-slice-is-told-of-each-of-its-agents", kill_of_a_slice_is_told_of_each_of_its_agents);
        ADD("settings-of-a-guild-leave-its-agents-alone", settings_of_a_guild_leave_its_agents_alone);
        ADD("reload-of-systemd-loses-nothing", reload_of_systemd_loses_nothing);
        ADD("reexecution-of-systemd-loses-nothing", reexecution_of_systemd_loses_nothing);
        ADD("restart-of-the-journal-loses-no-agents-words", restart_of_the_journal_loses_no_agents_words);
        ADD("agents-are-heard-after-the-death-of-the-journal",
                agents_are_heard_after_the_death_of_the_journal);
        ADD("scope-of-somebody-else-is-not-taken-over", scope_of_somebody_else_is_not_taken_over);
        ADD("runtime-that-is-no-more-leaves-its-agents", runtime_that_is_no_more_leaves_its_agents);
        ADD("scope-of-somebody-else-in-a-guilds-slice-is-left-alone",
                scope_of_somebody_else_in_a_guilds_slice_is_left_alone);
        ADD("mask-of-an-agents-scope-has-no-effect", mask_of_an_agents_scope_has_no_effect);
        ADD("mask-of-a-guilds-slice-is-told", mask_of_a_guilds_slice_is_told);
#undef ADD

        return host_tests_run();
}
