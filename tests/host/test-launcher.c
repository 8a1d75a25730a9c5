/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost-launcher on a real systemd: starting, failing to start, stopping, ending. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/launcher-fixture.h"
#include "fake/debugger.h"
#include "file-util.h"
#include "pidfd.h"

#define ERROR "org.agenthost.Host1.Error."

static void test_spawn_puts_agent_into_its_scope(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *cgroup = NULL;
        pid_t pid;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) s = fixture_spawn(f, "a/b-1", "sleep");

        g_assert_cmpstr(s->unit, ==, "agent-a\\x2fb\\x2d1.scope");
        g_assert_cmpint(pidfd_get_pid(s->pidfd, &pid), >=, 0);
        g_assert_cmpint(pid, ==, s->pid);
        g_assert_cmpint(pid_get_cgroup(s->pid, &cgroup), >=, 0);
        g_assert_true(g_str_has_suffix(cgroup, "/agents.slice/agents-g.slice/agent-a\\x2fb\\x2d1.scope"));

        fixture_stop(f, s->unit, UINT64_MAX);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGTERM, true);
        g_assert_null(fixture_call(f, LAUNCHER_LIST, "s", ""));
}

static void test_end_tells_exit_codes_and_signals(void)
{
        static const struct {
                const char *command, *result;
                int code, status;
        } cases[] = {
                { "exit 0", "success", CLD_EXITED, 0 },
                { "exit 3", "exit-code", CLD_EXITED, 3 },
                { "kill -9 $$", "signal", CLD_KILLED, SIGKILL },
                { "kill -TERM $$", "signal", CLD_KILLED, SIGTERM },
        };
        g_autoptr(Fixture) f = fixture_new();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                fixture_runtime(f, "exits", "Exec=/bin/sh -c '%s'", cases[i].command);
                g_autoptr(Spawned) s = fixture_spawn(f, "exits", "exits");
                fixture_expect_end(f, s, cases[i].result, cases[i].code, cases[i].status, false);
        }
}

static void expect_nothing_left(Fixture *f, const char *unit)
{
        g_autoptr(GPtrArray) agents = fixture_list(f, NULL);
        g_autofree char *credentials = g_strdup_printf("/run/agenthost/credentials/%s", unit);

        g_assert_cmpuint(agents->len, ==, 0);
        g_assert_false(g_file_test(credentials, G_FILE_TEST_EXISTS));
        g_assert_false(shell_succeeds("systemctl is-active --quiet '%s'", unit));
}

static void test_spawn_says_why_agent_cannot_start(void)
{
        static const struct {
                const char *lines, *text;
        } cases[] = {
                { "Exec=/nonexistent/agent", "exec /nonexistent/agent: No such file or directory" },
                { "Exec=/etc/passwd", "exec /etc/passwd: Permission denied" },
                { "Exec=/etc", "exec /etc: Permission denied" },
                { "Exec=/bin/true\nUser=nosuchuser", "user nosuchuser: there is none of this name" },
                { "Exec=/bin/true\nGroup=nosuchgroup", "group nosuchgroup: there is none of this name" },
                { "Exec=/bin/true\nSupplementaryGroups=nosuchgroup",
                        "group nosuchgroup: there is none of this name" },
                { "Exec=/bin/true\nWorkingDirectory=/nonexistent",
                        "working directory /nonexistent: No such file or directory" },
        };
        g_autoptr(Fixture) f = fixture_new();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                fixture_runtime(f, "wrong", "%s", cases[i].lines);
                g_autoptr(Spawned) s = fixture_spawn_with(f, "wrong", "wrong", NULL, NULL);

                g_assert_cmpstr(s->error, ==, ERROR "StartFailed");
                g_assert_cmpstr(s->text, ==, cases[i].text);
                expect_nothing_left(f, "agent-wrong.scope");
        }
}

static void test_spawn_refuses_bad_arguments(void)
{
        g_autoptr(Fixture) f = fixture_new();
        int unsealed = memfd_create("text", MFD_CLOEXEC);
        const int texts[] = { f->texts[0], f->texts[1], unsealed, f->texts[3] };
        static const char *const forbidden[] = { "LD_PRELOAD=/tmp/x.so", NULL };

        fixture_runtime(f, "true", "Exec=/bin/true\nAllowEnvironment=GOOD_*");
        g_autoptr(Spawned) a = fixture_spawn_with(f, "a\nb", "true", NULL, NULL);
        g_assert_cmpstr(a->error, ==, SD_BUS_ERROR_INVALID_ARGS);
        g_autoptr(Spawned) b = fixture_spawn_with(f, "a", "../true", NULL, NULL);
        g_assert_cmpstr(b->error, ==, ERROR "NoSuchRuntime");
        g_autoptr(Spawned) c = fixture_spawn_with(f, "a", "true", NULL, texts);
        g_assert_cmpstr(c->error, ==, SD_BUS_ERROR_INVALID_ARGS);
        g_autoptr(Spawned) d = fixture_spawn_with(f, "a", "true", forbidden, NULL);
        g_assert_cmpstr(d->error, ==, SD_BUS_ERROR_ACCESS_DENIED);
        g_assert_nonnull(strstr(d->text, "LD_PRELOAD"));
        expect_nothing_left(f, "agent-a.scope");
        close(unsealed);
}

static void test_spawn_refuses_unit_that_exists(void)
{
        g_autoptr(Fixture) f = fixture_new();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) first = fixture_spawn(f, "twice", "sleep");
        g_autoptr(Spawned) second = fixture_spawn_with(f, "twice", "sleep", NULL, NULL);
        g_assert_cmpstr(second->error, ==, ERROR "AgentExists");

        /* One that the launcher does not know of. */
        g_free(shell("systemd-run --quiet --scope --unit=agent-foreign.scope sleep 1000 >/dev/null 2>&1 &"));
        shell_await("systemctl is-active --quiet agent-foreign.scope");
        g_autoptr(Spawned) foreign = fixture_spawn_with(f, "foreign", "sleep", NULL, NULL);
        g_assert_cmpstr(foreign->error, ==, ERROR "AgentExists");
        g_assert_true(shell_succeeds("systemctl is-active --quiet agent-foreign.scope"));
        g_free(shell("systemctl stop agent-foreign.scope"));

        fixture_stop(f, first->unit, 0);
        fixture_expect_end(f, first, "success", CLD_KILLED, SIGTERM, true);
}

static void test_stop_kills_agent_that_ignores_the_signal(void)
{
        g_autoptr(Fixture) f = fixture_new();
        gint64 began;

        fixture_runtime(f, "stubborn",
                "Exec=/bin/sh -c 'trap \"\" TERM; echo ready >" TEST_DIR
                "/stubborn; while :; do sleep 1; done'\nStopTimeoutSec=600");
        g_autoptr(Spawned) s = fixture_spawn(f, "stubborn", "stubborn");
        g_free(await_file("stubborn"));

        began = g_get_monotonic_time();
        fixture_stop(f, s->unit, UINT64_MAX);
        /* Shortens; the third would lengthen, and does not. */
        fixture_stop(f, s->unit, 300 * G_TIME_SPAN_MILLISECOND);
        fixture_stop(f, s->unit, 600 * G_TIME_SPAN_SECOND);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGKILL, true);
        g_assert_cmpint(g_get_monotonic_time() - began, >=, 300 * G_TIME_SPAN_MILLISECOND);
        g_assert_cmpint(g_get_monotonic_time() - began, <, 5 * G_TIME_SPAN_SECOND);
}

static void test_stop_reaches_frozen_and_stopped_agents(void)
{
        g_autoptr(Fixture) f = fixture_new();

        fixture_runtime(f, "trap",
                "Exec=/bin/sh -c 'trap \"exit 5\" TERM; echo ready >" TEST_DIR
                "/trap; while :; do sleep 0.05; done'\nStopTimeoutSec=600");
        g_autoptr(Spawned) frozen = fixture_spawn(f, "frozen", "trap");
        g_free(await_file("trap"));
        g_free(shell("systemctl freeze %s", frozen->unit));
        fixture_stop(f, frozen->unit, UINT64_MAX);
        fixture_expect_end(f, frozen, "success", CLD_EXITED, 5, true);

        g_assert_cmpint(unlink(TEST_DIR "/trap"), ==, 0);
        g_autoptr(Spawned) stopped = fixture_spawn(f, "stopped", "trap");
        g_free(await_file("trap"));
        g_assert_cmpint(kill(stopped->pid, SIGSTOP), ==, 0);
        fixture_stop(f, stopped->unit, UINT64_MAX);
        fixture_expect_end(f, stopped, "success", CLD_EXITED, 5, true);
}

static void test_stop_during_launch_prevents_it(void)
{
        g_autoptr(Fixture) f = fixture_new();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) s = fixture_spawn_begin(f, "early", "g", "sleep");
        g_assert_null(fixture_call(f, LAUNCHER_STOP, LAUNCHER_STOP_IN, "agent-early.scope", UINT64_MAX));
        fixture_wait(f, s);
        g_assert_cmpstr(s->error, ==, ERROR "StartFailed");
        expect_nothing_left(f, "agent-early.scope");
}

static void test_stop_of_unknown_unit_says_so(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *error =
                fixture_call(f, LAUNCHER_STOP, LAUNCHER_STOP_IN, "agent-none.scope", UINT64_MAX);

        g_assert_cmpstr(error, ==, ERROR "NoSuchAgent");
}

static void test_kill_reaches_main_process_or_all(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *wrong = NULL;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) s = fixture_spawn(f, "killed", "sleep");
        wrong = fixture_call(f, LAUNCHER_KILL, LAUNCHER_KILL_IN, s->unit, "control", SIGUSR1);
        g_assert_cmpstr(wrong, ==, SD_BUS_ERROR_INVALID_ARGS);
        g_assert_null(fixture_call(f, LAUNCHER_KILL, LAUNCHER_KILL_IN, s->unit, "main", SIGUSR1));
        fixture_expect_end(f, s, "signal", CLD_KILLED, SIGUSR1, false);

        g_autoptr(Spawned) all = fixture_spawn(f, "killed", "sleep");
        g_assert_null(fixture_call(f, LAUNCHER_KILL, LAUNCHER_KILL_IN, all->unit, "all", SIGUSR2));
        fixture_expect_end(f, all, "signal", CLD_KILLED, SIGUSR2, false);
}

static void test_stop_by_administrator_is_requested(void)
{
        g_autoptr(Fixture) f = fixture_new();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) stopped = fixture_spawn(f, "stopped", "sleep");
        g_free(shell("systemctl stop %s", stopped->unit));
        fixture_expect_end(f, stopped, "success", CLD_KILLED, SIGTERM, true);

        g_autoptr(Spawned) killed = fixture_spawn(f, "killed", "sleep");
        g_free(shell("systemctl kill --signal=KILL %s", killed->unit));
        fixture_expect_end(f, killed, "signal", CLD_KILLED, SIGKILL, false);
}

static void test_end_kills_what_the_agent_left(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *pid = NULL;

        fixture_runtime(f, "parent",
                "Exec=/bin/sh -c '(trap \"\" TERM; exec setsid sleep 1000) & echo $! >" TEST_DIR
                "/child; exit 4'");
        g_autoptr(Spawned) s = fixture_spawn(f, "parent", "parent");
        fixture_expect_end(f, s, "exit-code", CLD_EXITED, 4, false);
        pid = await_file("child");
        g_assert_false(shell_succeeds("test -e /proc/%s", g_strchomp(pid)));
}

static void test_dead_agent_stays_zombie_until_acknowledged(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *state = NULL;
        g_autoptr(GPtrArray) agents = NULL;

        fixture_runtime(f, "exits", "Exec=/bin/sh -c 'exit 9'");
        g_autoptr(Spawned) s = fixture_spawn(f, "zombie", "exits");
        (void)fixture_wait_end(f, s->unit);

        state = shell("awk '{ print $3 }' /proc/%d/stat", s->pid);
        g_assert_cmpstr(state, ==, "Z");
        agents = fixture_list(f, NULL);
        g_assert_cmpuint(agents->len, ==, 1);
        g_assert_cmpuint(((Listed *)agents->pdata[0])->phase, ==, LAUNCHER_ENDED_PHASE);
        g_assert_cmpint(((Listed *)agents->pdata[0])->end.status, ==, 9);

        fixture_expect_end(f, s, "exit-code", CLD_EXITED, 9, false);
        g_assert_false(shell_succeeds("test -e /proc/%d", s->pid));
        expect_nothing_left(f, s->unit);
}

/* Until its debugger has gone the kernel tells the launcher that it has ended, but not how. */
static void test_end_of_a_debugged_agent_is_told_when_its_debugger_has_gone(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *launcher = NULL;
        int debugger;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) s = fixture_spawn(f, "debugged", "sleep");
        debugger = debugger_attach(s->pid);
        g_assert_cmpint(pidfd_signal(s->pidfd, SIGKILL), >=, 0);
        shell_await(
                "journalctl -u agenthost-launcher | grep -q 'Agent debugged has ended; how is known when'");

        /* It is not told of it over and over: the processor is left alone for a while. */
        launcher = g_strchomp(shell("systemctl show -P MainPID agenthost-launcher"));
        shell_await("ticks() { awk '{ print $14 + $15 }' /proc/%s/stat; }; "
                    "before=$(ticks); sleep 0.2; test \"$before\" = \"$(ticks)\"",
                launcher);
        g_assert_cmpint(close(debugger), ==, 0);
        fixture_expect_end(f, s, "signal", CLD_KILLED, SIGKILL, false);
}

/* What a stranger gets who passes the socket's mode: the connection closes before anything is read. */
static void test_connections_of_other_users_are_closed(void)
{
        g_autoptr(Fixture) f = fixture_new();
        pid_t child;
        int status;

        g_assert_null(fixture_call(f, LAUNCHER_LIST, "s", ""));
        g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0666), ==, 0);
        child = fork();
        if (child == 0) {
                const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LAUNCHER_SOCKET };
                int fd = socket(AF_UNIX, SOCK_STREAM, 0);
                char byte;

                if (setresuid(65534, 65534, 65534) < 0 ||
                        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                        _exit(2);
                _exit(read(fd, &byte, 1) > 0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0600), ==, 0);
        g_assert_cmpint(status, ==, 0);
        g_assert_null(fixture_call(f, LAUNCHER_LIST, "s", ""));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/launcher/spawn_puts_agent_into_its_scope", test_spawn_puts_agent_into_its_scope);
        g_test_add_func("/launcher/end_tells_exit_codes_and_signals", test_end_tells_exit_codes_and_signals);
        g_test_add_func(
                "/launcher/spawn_says_why_agent_cannot_start", test_spawn_says_why_agent_cannot_start);
        g_test_add_func("/launcher/spawn_refuses_bad_arguments", test_spawn_refuses_bad_arguments);
        g_test_add_func("/launcher/spawn_refuses_unit_that_exists", test_spawn_refuses_unit_that_exists);
        g_test_add_func("/launcher/stop_kills_agent_that_ignores_the_signal",
                test_stop_kills_agent_that_ignores_the_signal);
        g_test_add_func("/launcher/stop_reaches_frozen_and_stopped_agents",
                test_stop_reaches_frozen_and_stopped_agents);
        g_test_add_func("/launcher/stop_during_launch_prevents_it", test_stop_during_launch_prevents_it);
        g_test_add_func("/launcher/stop_of_unknown_unit_says_so", test_stop_of_unknown_unit_says_so);
        g_test_add_func("/launcher/kill_reaches_main_process_or_all", test_kill_reaches_main_process_or_all);
        g_test_add_func(
                "/launcher/stop_by_administrator_is_requested", test_stop_by_administrator_is_requested);
        g_test_add_func("/launcher/end_kills_what_the_agent_left", test_end_kills_what_the_agent_left);
        g_test_add_func("/launcher/dead_agent_stays_zombie_until_acknowledged",
                test_dead_agent_stays_zombie_until_acknowledged);
        g_test_add_func("/launcher/end_of_a_debugged_agent_is_told_when_its_debugger_has_gone",
                test_end_of_a_debugged_agent_is_told_when_its_debugger_has_gone);
        g_test_add_func("/launcher/connections_of_other_users_are_closed",
                test_connections_of_other_users_are_closed);
        return g_test_run();
}
