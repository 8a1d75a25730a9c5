/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Agents that are started again, while agenthostd or the launcher dies. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

/* As runtimes. At SIGUSR1 their agents exit with 3. */
#define SOON "test-soon"
#define PATIENT "test-patient" /* after an hour */

static Client *begin(void)
{
        static const char always[] = "StartTimeoutSec=1h\nRestart=always\n";
        g_autofree char *soon = g_strconcat(always, "RestartSec=300ms", NULL),
                        *patient = g_strconcat(always, "RestartSec=1h\nRestartMaxSec=1h", NULL);

        runtime_add(SOON, "notify", "ready wait exit=3", soon);
        runtime_add(PATIENT, "notify", "ready wait exit=3", patient);
        return agents_begin();
}

static void create_and_end(Client *c, const char *id, const char *runtime)
{
        create(c, &(Create){ .id = id, .runtime = runtime, .wait = "ready" });
        agent_signal(c, id, SIGUSR1);
        agent_wait_end(c, id, "exit-code", 3);
}

static void expect_one_running(Client *c, const char *id)
{
        g_auto(GStrv) scopes = NULL;

        agent_wait(c, id, "Restarts", "1");
        agent_wait(c, id, "State", "running");
        scopes = scope_list();
        expect_number("scopes", 1, g_strv_length(scopes));
        expect_number("processes", 1, agent_process_count());
        client_wait_property(c, MANAGER, "AgentCount", "1");
}

static void expect_waiting_lasts_over(void (*interruption)(void))
{
        static const char *const lasting[] = { "State", "Result", "ExitStatus", "ExitedAt", "Restarts",
                "NextStartAt" };
        _cleanup_client_ Client *c = begin();
        g_autofree char *before[ELEMENTSOF(lasting)] = { NULL };

        create_and_end(c, "a1", PATIENT);
        for (size_t i = 0; i < ELEMENTSOF(lasting); i++)
                before[i] = agent_property(c, "a1", lasting[i]);
        expect_text("State", "restarting", before[0]);

        interruption();
        for (size_t i = 0; i < ELEMENTSOF(lasting); i++)
                agent_expect(c, "a1", lasting[i], before[i]);
        client_expect_property(c, MANAGER, "AgentCount", "1");
        agent_restart(c, "a1");
        agent_wait(c, "a1", "State", "running");
        agent_expect(c, "a1", "Restarts", "0");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        for (size_t i = 0; i < ELEMENTSOF(before); i++)
                g_free(g_steal_pointer(&before[i]));
}

static void test_crash_of_agenthostd_does_not_shorten_the_waiting(void)
{
        expect_waiting_lasts_over(agenthostd_crash);
}

static void test_crash_of_the_launcher_does_not_shorten_the_waiting(void)
{
        expect_waiting_lasts_over(launcher_crash);
}

static void test_restart_comes_after_a_crash_of_agenthostd(void)
{
        _cleanup_client_ Client *c = begin();

        create_and_end(c, "a1", SOON);
        agenthostd_crash();
        expect_one_running(c, "a1");
}

static void test_restart_comes_after_a_crash_of_the_launcher(void)
{
        _cleanup_client_ Client *c = begin();

        create_and_end(c, "a1", SOON);
        launcher_crash();
        expect_one_running(c, "a1");
}

static void test_end_while_agenthostd_was_away_is_followed_by_a_restart(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = SOON, .wait = "ready" });

        g_free(command("systemctl stop agenthostd.service"));
        kill(pid, SIGUSR1);
        process_wait_end(pid);
        g_free(command("systemctl start agenthostd.service"));
        expect_one_running(c, "a1");
}

/* It was asked for, whoever remembers it. */
static void test_requested_stop_while_agenthostd_was_away_is_the_end(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *unit = agent_unit("a1");

        create(c, &(Create){ .id = "a1", .runtime = SOON, .wait = "ready" });
        g_free(command("systemctl stop agenthostd.service"));
        g_free(command("systemctl stop '%s'", unit));
        g_free(command("systemctl start agenthostd.service"));
        client_wait_property(c, MANAGER, "AgentCount", "0");
        expect_false("agent is known", agent_is_known(c, "a1"));
}

static void test_restart_method_is_done_by_the_next_agenthostd(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_free_ char *path = agent_path("a1");
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });

        call_forget(client_send(c, path, AGENT_INTERFACE, "Restart", ""));
        agent_wait(c, "a1", "State", "stopping");
        agenthostd_crash();
        kill(pid, SIGKILL);
        process_wait_end(pid);
        agent_wait(c, "a1", "State", "running");
        agent_expect(c, "a1", "Restarts", "0");
}

static void test_stop_of_a_waiting_one_needs_no_launcher(void)
{
        _cleanup_client_ Client *c = begin();

        create_and_end(c, "a1", PATIENT);
        g_free(command("systemctl stop agenthost-launcher.socket agenthost-launcher.service"));
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_false("agent is known", agent_is_known(c, "a1"));
        g_free(command(
                "systemctl start agenthost-launcher.socket agenthost-launcher.service agenthostd.service"));
}

/* Each dies while the other is at it: whatever the moment, there is one process in the end. */
static void test_restarts_under_crashes_never_double_nor_lose_an_agent(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *list = NULL;
        g_auto(GStrv) scopes = NULL;

        runtime_add("test-churn", "exec", "exit=1", "Restart=always\nRestartSec=1ms\nRestartMaxSec=1ms");
        c = begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-churn" });
        create(c, &(Create){ .id = "a2", .runtime = "test-churn" });
        for (unsigned i = 0; i < 6; i++) {
                agent_wait_end(c, "a1", "exit-code", 1);
                client_drop_signals(c);
                if (i % 2 == 0)
                        agenthostd_crash();
                else
                        launcher_crash();
        }
        runtime_add("test-churn", "exec", "status=steady wait",
                "Restart=always\nRestartSec=1ms\nRestartMaxSec=1ms");
        host_reload();
        /* Lives of before may still be coming to their end. */
        agent_wait(c, "a1", "StatusText", "steady");
        agent_wait(c, "a2", "StatusText", "steady");
        agent_wait(c, "a1", "State", "running");
        agent_wait(c, "a2", "State", "running");
        list = agent_list(c, "");
        expect_text("ListAgents", "a1 a2", list);
        scopes = scope_list();
        expect_number("scopes", 2, g_strv_length(scopes));
        expect_number("processes", 2, agent_process_count());
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/supervision-crash/" name, test_##function)
        ADD("crash-of-agenthostd-does-not-shorten-the-waiting",
                crash_of_agenthostd_does_not_shorten_the_waiting);
        ADD("crash-of-the-launcher-does-not-shorten-the-waiting",
                crash_of_the_launcher_does_not_shorten_the_waiting);
        ADD("restart-comes-after-a-crash-of-agenthostd", restart_comes_after_a_crash_of_agenthostd);
        ADD("restart-comes-after-a-crash-of-the-launcher", restart_comes_after_a_crash_of_the_launcher);
        ADD("end-while-agenthostd-was-away-is-followed-by-a-restart",
                end_while_agenthostd_was_away_is_followed_by_a_restart);
        ADD("requested-stop-while-agenthostd-was-away-is-the-end",
                requested_stop_while_agenthostd_was_away_is_the_end);
        ADD("restart-method-is-done-by-the-next-agenthostd", restart_method_is_done_by_the_next_agenthostd);
        ADD("stop-of-a-waiting-one-needs-no-launcher", stop_of_a_waiting_one_needs_no_launcher);
        ADD("restarts-under-crashes-never-double-nor-lose-an-agent",
                restarts_under_crashes_never_double_nor_lose_an_agent);
#undef ADD

        return host_tests_run();
}
