/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthostd may be killed and started again at any moment: every agent is still there with its process and
 * state, and what happened meanwhile is known. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

static const char *const lasting[] = { "Id", "GuildId", "Name", "ClassName", "Runtime", "Unit", "State",
        "Result", "StatusText", "HostAddress", "MainPID", "Alive", "ExitStatus", "CreatedAt", "ReadyAt",
        "ExitedAt" };

/* All properties of an agent, as a text. */
static char *remember(Client *c, const char *id)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (size_t i = 0; i < ELEMENTSOF(lasting); i++) {
                g_autofree char *value = agent_property(c, id, lasting[i]);

                g_string_append_printf(text, "%s=%s ", lasting[i], value);
        }
        return g_string_free(g_steal_pointer(&text), false);
}

static void stop_service(void)
{
        g_free(systemctl("stop agenthostd.service"));
}

static void start_service(void)
{
        g_free(systemctl("start agenthostd.service"));
}

static void restart_service(void)
{
        g_free(systemctl("restart agenthostd.service"));
}

/* As a runtime: at SIGUSR1 it exits with 7. */
#define SEVEN "test-seven"

static Client *begin(void)
{
        runtime_add(SEVEN, "notify", "ready wait exit=7", NULL);
        return agents_begin();
}

/* An agent in each state there is. */
static const char *const all[] = { "exited", "failed", "running", "starting", "stopping" };

static void create_in_all_states(Client *c)
{
        create(c,
                &(Create){ .id = "running", .runtime = NOTIFY, .wait = "ready", .class_name = "my.Class" });
        create(c, &(Create){ .id = "starting", .runtime = SILENT });
        agent_wait(c, "starting", "StatusText", "waiting");
        create(c, &(Create){ .id = "stopping", .runtime = STUBBORN, .wait = "ready" });
        call_forget(client_send(c, MANAGER, "StopAgent", "su", "stopping", 3600u));
        agent_wait(c, "stopping", "State", "stopping");
        create(c, &(Create){ .id = "exited", .runtime = SEVEN, .wait = "ready" });
        agent_signal(c, "exited", SIGUSR1);
        agent_wait_end(c, "exited", "exit-code", 7);
        create(c, &(Create){ .id = "failed", .runtime = EXEC });
        agent_signal(c, "failed", SIGKILL);
        agent_wait_end(c, "failed", "signal", SIGKILL);
}

/* Nothing is different, and everything goes on from there. */
static void expect_all_last_over(void (*interruption)(void))
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before[ELEMENTSOF(all)] = { NULL }, *list = NULL;

        create_in_all_states(c);
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                before[i] = remember(c, all[i]);

        interruption();
        list = agent_list(c, "");
        expect_text("ListAgents", "exited failed running starting stopping", list);
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                g_autofree char *after = remember(c, all[i]);

                expect_text(all[i], before[i], after);
        }
        client_expect_property(c, MANAGER, "AgentCount", "3");
        expect_number("processes", 4, agent_process_count());

        agent_let_be_ready(c, "starting");
        agent_wait(c, "starting", "State", "running");
        expect_true("StopAgent of the running one", agent_stop(c, "running", 0));
        expect_true("StopAgent of the stopping one", agent_stop(c, "stopping", 1));
        expect_true("StopAgent of the exited one", agent_stop(c, "exited", 0));
        for (size_t i = 0; i < ELEMENTSOF(before); i++)
                g_free(g_steal_pointer(&before[i]));
}

static void test_crash_changes_nothing(void)
{
        expect_all_last_over(agenthostd_crash);
}

static void test_restart_changes_nothing(void)
{
        expect_all_last_over(restart_service);
}

static void test_reload_changes_nothing(void)
{
        expect_all_last_over(host_reload);
}

static void crash_several_times(void)
{
        for (unsigned i = 0; i < 5; i++)
                agenthostd_crash();
}

static void test_several_crashes_change_nothing(void)
{
        expect_all_last_over(crash_several_times);
}

static void stop_and_start(void)
{
        stop_service();
        start_service();
}

static void test_stop_and_start_change_nothing(void)
{
        expect_all_last_over(stop_and_start);
}

static void reexecute_systemd(void)
{
        g_free(systemctl("daemon-reload"));
        g_free(systemctl("daemon-reexec"));
}

static void test_reexecuted_systemd_changes_nothing(void)
{
        expect_all_last_over(reexecute_systemd);
}

static void test_end_while_it_was_away_is_known(void)
{
        static const struct {
                const char *id, *runtime, *state, *result, *status;
                int signal_number;
        } cases[] = {
                { "zero", NOTIFY, "exited", "success", "0", SIGTERM },
                { "seven", SEVEN, "exited", "exit-code", "7", SIGUSR1 },
                { "killed", NOTIFY, "failed", "signal", "9", SIGKILL },
                { "family", STUBBORN, "failed", "signal", "9", SIGKILL },
        };
        _cleanup_client_ Client *c = begin();
        pid_t pids[ELEMENTSOF(cases)];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                pids[i] = create(
                        c, &(Create){ .id = cases[i].id, .runtime = cases[i].runtime, .wait = "ready" });

        stop_service();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                kill(pids[i], cases[i].signal_number);
                process_wait_end(pids[i]);
        }
        start_service();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                agent_wait(c, cases[i].id, "State", cases[i].state);
                agent_expect(c, cases[i].id, "Result", cases[i].result);
                agent_expect(c, cases[i].id, "ExitStatus", cases[i].status);
                agent_expect(c, cases[i].id, "MainPID", "0");
        }
        expect_number("processes", 0, agent_process_count());
        client_expect_property(c, MANAGER, "AgentCount", "0");
}

/* What the launcher has said is in the socket, and dies with it. */
static void test_end_just_before_a_crash_is_known(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = SEVEN, .wait = "ready" });

        service_signal("agenthostd.service", SIGSTOP);
        kill(pid, SIGUSR1);
        process_wait_end(pid);
        agenthostd_crash();
        agent_wait(c, "a1", "State", "exited");
        agent_expect(c, "a1", "Result", "exit-code");
        agent_expect(c, "a1", "ExitStatus", "7");
}

static void test_ready_while_it_was_away_is_known(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = SILENT });

        agent_wait(c, "a1", "StatusText", "waiting");
        stop_service();
        kill(pid, SIGUSR1);
        start_service();
        agent_wait(c, "a1", "State", "running");
}

static void test_start_times_out_over_a_crash(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1", .runtime = SILENT, .timeout_usec = 300 * USEC_PER_MSEC });
        agenthostd_crash();
        agent_wait(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "timeout");
        expect_number("processes", 0, agent_process_count());
}

static void wait_until_no_agents(Client *c)
{
        g_autofree char *list = NULL;

        client_wait_property(c, MANAGER, "AgentCount", "0");
        list = agent_list(c, "");
        expect_text("ListAgents", "", list);
}

static void test_end_of_a_requested_stop_while_away_is_a_success(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });

        call_forget(client_send(c, MANAGER, "StopAgent", "su", "a1", 3600u));
        agent_wait(c, "a1", "State", "stopping");
        stop_service();
        kill(pid, SIGKILL);
        process_wait_end(pid);
        start_service();
        wait_until_no_agents(c);
}

static void test_settings_survive_a_bad_file(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        config_write("[Host]\nMaxAgents=many\nColour=red\n[Nobody]\nx=y\nnot a setting\n");
        host_reload();
        restart_service();
        agent_expect(c, "a1", "State", "running");
        client_expect_property(c, MANAGER, "MaxAgents", "100");
        expect_true("journal", journal_has("agenthostd.service", "test.conf:2: [Host] MaxAgents=: 'many'"));
        expect_true(
                "journal", journal_has("agenthostd.service", "test.conf:3: [Host] has no setting Colour="));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/restart/" name, test_##function)
        ADD("crash-changes-nothing", crash_changes_nothing);
        ADD("several-crashes-change-nothing", several_crashes_change_nothing);
        ADD("restart-changes-nothing", restart_changes_nothing);
        ADD("stop-and-start-change-nothing", stop_and_start_change_nothing);
        ADD("reload-changes-nothing", reload_changes_nothing);
        ADD("reexecuted-systemd-changes-nothing", reexecuted_systemd_changes_nothing);
        ADD("end-while-it-was-away-is-known", end_while_it_was_away_is_known);
        ADD("end-just-before-a-crash-is-known", end_just_before_a_crash_is_known);
        ADD("ready-while-it-was-away-is-known", ready_while_it_was_away_is_known);
        ADD("start-times-out-over-a-crash", start_times_out_over_a_crash);
        ADD("end-of-a-requested-stop-while-away-is-a-success",
                end_of_a_requested_stop_while_away_is_a_success);
        ADD("settings-survive-a-bad-file", settings_survive_a_bad_file);
#undef ADD

        return host_tests_run();
}
