/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launcher may be killed and started again at any moment: every agent runs on and is stopped as before;
 * how it ends is known where the kernel tells. */

#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define LAUNCHER "agenthost-launcher.service"
#define AGENTHOSTD "agenthostd.service"

/* As a runtime: at SIGUSR1 it exits with 7. */
#define SEVEN "test-seven"

static Client *begin(void)
{
        runtime_add(SEVEN, "notify", "ready wait exit=7", NULL);
        return agents_begin();
}

static char *healthy_text(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "Health", "");
        int healthy;

        must(sd_bus_message_read(answer, "b", &healthy), "reading Health's answer");
        return g_strdup(healthy ? "yes" : "no");
}

static void restart_launcher(void)
{
        g_free(systemctl("restart " LAUNCHER));
}

static void reload_launcher(void)
{
        g_free(systemctl("try-reload-or-restart " LAUNCHER));
}

static void kill_both(void)
{
        service_signal(LAUNCHER, SIGKILL);
        agenthostd_crash();
}

static void restart_both(void)
{
        g_free(systemctl("restart " LAUNCHER " " AGENTHOSTD));
}

static void expect_agents_last_over(void (*interruption)(void))
{
        static const char *const ids[] = { "running", "starting", "stopping" };
        _cleanup_client_ Client *c = begin();
        pid_t pids[ELEMENTSOF(ids)];

        pids[0] = create(c, &(Create){ .id = "running", .runtime = NOTIFY, .wait = "ready" });
        pids[1] = create(c, &(Create){ .id = "starting", .runtime = SILENT });
        agent_wait(c, "starting", "StatusText", "waiting");
        pids[2] = create(c, &(Create){ .id = "stopping", .runtime = STUBBORN, .wait = "ready" });
        call_forget(client_send(c, MANAGER, "StopAgent", "su", "stopping", 3600u));
        agent_wait(c, "stopping", "State", "stopping");

        interruption();
        create_when_possible(c, "next");
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                g_autofree char *pid = g_strdup_printf("%d", (int)pids[i]);

                agent_expect(c, ids[i], "State", ids[i]);
                agent_expect(c, ids[i], "MainPID", pid);
                agent_expect(c, ids[i], "Alive", "true");
                expect_true("its process", process_is_alive(pids[i]));
        }
        expect_number("processes", 5, agent_process_count());

        agent_let_be_ready(c, "starting");
        agent_wait(c, "starting", "State", "running");
        expect_true("StopAgent of the running one", agent_stop(c, "running", 0));
        expect_true("StopAgent of the starting one", agent_stop(c, "starting", 0));
        expect_true("StopAgent of the stopping one", agent_stop(c, "stopping", 1));
        expect_number("processes", 1, agent_process_count());
}

static void test_restart_changes_nothing(void)
{
        expect_agents_last_over(restart_launcher);
}

static void test_upgrade_changes_nothing(void)
{
        expect_agents_last_over(reload_launcher);
}

static void test_crash_changes_nothing(void)
{
        expect_agents_last_over(launcher_crash);
}

static void test_crash_of_both_changes_nothing(void)
{
        expect_agents_last_over(kill_both);
}

static bool process_is_stopped(pid_t pid)
{
        g_autofree char *state = command("ps --format=state= --pid=%d", (int)pid);

        return state[0] == 'T';
}

/* The kernel ends stopped processes with SIGHUP when their parent was the last of their session to look
 * after them. */
static void test_stopped_agent_lasts_over_a_crash(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });

        (void)kill(pid, SIGSTOP);
        while (!process_is_stopped(pid))
                sched_yield();
        launcher_crash();
        create_when_possible(c, "next");
        expect_true("the agent is stopped still", process_is_stopped(pid));

        (void)kill(pid, SIGCONT);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_restart_of_both_changes_nothing(void)
{
        expect_agents_last_over(restart_both);
}

static void expect_end(Client *c, const char *id, bool known, const char *result, int status)
{
        agent_wait_end(c, id, known ? result : "lost", known ? status : -1);
}

/* Its children are PID 1's then. */
static void test_ends_after_a_crash_are_known_where_the_kernel_tells(void)
{
        _cleanup_client_ Client *c = begin();
        bool known = kernel_tells_exits();

        create(c, &(Create){ .id = "seven", .runtime = SEVEN, .wait = "ready" });
        create(c, &(Create){ .id = "killed", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "family", .runtime = STUBBORN, .wait = "ready" });
        launcher_crash();
        create_when_possible(c, "next");

        agent_signal(c, "seven", SIGUSR1);
        expect_end(c, "seven", known, "exit-code", 7);
        agent_signal(c, "killed", SIGKILL);
        expect_end(c, "killed", known, "signal", SIGKILL);
        agent_signal(c, "family", SIGKILL);
        expect_end(c, "family", known, "signal", SIGKILL);
        expect_number("processes", 1, agent_process_count());
}

static void test_end_while_it_was_away_is_known_where_the_kernel_tells(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "seven", .runtime = SEVEN, .wait = "ready" });

        service_signal(LAUNCHER, SIGSTOP);
        kill(pid, SIGUSR1);
        process_wait_end(pid);
        launcher_crash();
        expect_end(c, "seven", kernel_tells_exits(), "exit-code", 7);
        agent_expect(c, "seven", "Alive", "false");
}

/* Nobody was there to see it. */
static void test_end_while_both_were_away_is_lost(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = SEVEN, .wait = "ready" });

        service_signal(AGENTHOSTD, SIGSTOP);
        service_signal(LAUNCHER, SIGSTOP);
        kill(pid, SIGUSR1);
        process_wait_end(pid);
        kill_both();
        agent_wait(c, "a1", "State", "lost");
        agent_expect(c, "a1", "Result", "lost");
        agent_expect(c, "a1", "ExitStatus", "-1");
        client_expect_property(c, MANAGER, "AgentCount", "0");
}

static void test_create_during_a_crash_fails_and_leaves_nothing(void)
{
        _cleanup_client_ Client *c = begin();
        Call *call;

        /* Who we are is known from now on. */
        g_free(agents_clean_up(c));
        service_signal(LAUNCHER, SIGSTOP);
        call = create_send(c, &(Create){ .id = "a1" });
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        launcher_crash();
        call_expect_error(call, ERROR_("LauncherUnavailable"), "status agenthost-launcher.service");
        expect_false("a1", agent_is_known(c, "a1"));
        create_when_possible(c, "a2");
        expect_number("processes", 1, agent_process_count());
}

/* Killed while they are on their way; each is there or it is not, and none is there twice. */
static void test_crash_amid_launches_leaves_no_stray(void)
{
        enum { AGENTS = 8 };
        _cleanup_client_ Client *c = begin();

        for (unsigned n_seen = 0; n_seen < AGENTS; n_seen++) {
                Call *calls[AGENTS];
                unsigned n_created = 0;

                for (unsigned i = 0; i < AGENTS; i++) {
                        g_autofree char *id = g_strdup_printf("a%u", i);

                        calls[i] = create_send(c, &(Create){ .id = id });
                }
                for (unsigned i = 0; i < n_seen; i++) {
                        g_autofree char *id = g_strdup_printf("a%u", i);

                        sd_bus_message_unref(client_take_signal(c, "AgentAdded", id));
                }
                launcher_crash();
                for (unsigned i = 0; i < AGENTS; i++) {
                        _cleanup_message_ sd_bus_message *answer = call_answer(calls[i]);

                        if (!sd_bus_message_is_method_error(answer, NULL))
                                n_created++;
                }
                expect_true("those that were seen are created", n_created >= n_seen);

                create_when_possible(c, "next");
                sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 1u));
                expect_number("processes", 0, agent_process_count());
                client_drop_signals(c);
        }
}

static void test_host_is_unhealthy_without_a_launcher(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = healthy_text(c), *without = NULL, *after = NULL;

        expect_text("healthy", "yes", before);
        unit_write(LAUNCHER, "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nType=exec\n");
        restart_launcher();
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("LauncherUnavailable"), NULL);
        without = healthy_text(c);
        expect_text("healthy without a launcher", "no", without);
        g_free(systemctl("restart " AGENTHOSTD));
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("LauncherUnavailable"), NULL);

        unit_write(LAUNCHER, "");
        restart_launcher();
        create_when_possible(c, "a1");
        after = healthy_text(c);
        expect_text("healthy with it", "yes", after);
}

/* What the launcher has logged since it was started, waited for. */
static void wait_for_journal(const char *part)
{
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        while (!journal_has(LAUNCHER, part)) {
                if (g_get_monotonic_time() > deadline)
                        fail("journal: expected \"%s\", it is not there", part);
                g_usleep(20 * 1000);
        }
}

/* It has the name of an agent's, and is somewhere else. */
static void start_foreign_scope(void)
{
        g_free(command(
                "sh -c 'systemd-run %s --quiet --scope --unit=agent-foreign.scope sleep 1000 >/dev/null 2>&1 &'",
                mode_is_user() ? "--user" : "--system"));
        g_free(command("sh -c 'until %s is-active --quiet agent-foreign.scope; do sleep 0.02; done'",
                mode_paths()->systemctl));
}

/* Its state file is lost, and the launcher that was its parent is dead: nobody is left who could say which
 * process is the agent. */
static void test_agent_that_nobody_knows_any_more_is_named_and_left_alone(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = create(c, &(Create){ .id = "forgotten" });

        create(c, &(Create){ .id = "known" });
        g_free(systemctl("stop " AGENTHOSTD));
        g_free(command("rm %s/agent-forgotten.scope.json", mode_paths()->state_dir));
        start_foreign_scope();
        launcher_crash();
        g_free(systemctl("start " AGENTHOSTD));
        create_when_possible(c, "next");

        wait_for_journal("agent-forgotten.scope runs, and its agent is not known here");
        expect_true("its process", process_is_alive(pid));
        expect_true("the hint", journal_has(LAUNCHER, "stop agent-forgotten.scope"));
        expect_false("journal", journal_has(LAUNCHER, "agent-known.scope runs"));
        expect_false("journal", journal_has(LAUNCHER, "agent-foreign.scope runs"));
        create_expect_error(c, &(Create){ .id = "forgotten" }, ERROR_("AgentExists"), "systemctl");
        expect_true("its process", process_is_alive(pid));

        g_free(systemctl("stop agent-forgotten.scope agent-foreign.scope"));
        expect_false("its process", process_is_alive(pid));
        create(c, &(Create){ .id = "forgotten" });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/restart-launcher/" name, test_##function)
        ADD("restart-changes-nothing", restart_changes_nothing);
        ADD("upgrade-changes-nothing", upgrade_changes_nothing);
        ADD("crash-changes-nothing", crash_changes_nothing);
        ADD("stopped-agent-lasts-over-a-crash", stopped_agent_lasts_over_a_crash);
        ADD("crash-of-both-changes-nothing", crash_of_both_changes_nothing);
        ADD("restart-of-both-changes-nothing", restart_of_both_changes_nothing);
        ADD("ends-after-a-crash-are-known-where-the-kernel-tells",
                ends_after_a_crash_are_known_where_the_kernel_tells);
        ADD("end-while-it-was-away-is-known-where-the-kernel-tells",
                end_while_it_was_away_is_known_where_the_kernel_tells);
        ADD("end-while-both-were-away-is-lost", end_while_both_were_away_is_lost);
        ADD("create-during-a-crash-fails-and-leaves-nothing",
                create_during_a_crash_fails_and_leaves_nothing);
        ADD("crash-amid-launches-leaves-no-stray", crash_amid_launches_leaves_no_stray);
        ADD("host-is-unhealthy-without-a-launcher", host_is_unhealthy_without_a_launcher);
        ADD("agent-that-nobody-knows-any-more-is-named-and-left-alone",
                agent_that_nobody_knows_any_more_is_named_and_left_alone);
#undef ADD

        return host_tests_run();
}
