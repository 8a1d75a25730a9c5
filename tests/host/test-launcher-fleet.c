/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many agents at once, and the launcher, its callers or systemd going away meanwhile. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/launcher-fixture.h"

#define ERROR "org.agenthost.Host1.Error."
#define IN_FLIGHT 64u

static uint64_t cpu_nsec(const char *pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%s/schedstat", pid), *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return g_ascii_strtoull(text, NULL, 10);
}

/* Of everything in this host. */
static uint64_t host_cpu_nsec(void)
{
        g_autofree char *usec = shell("awk '/^usage_usec/ { print $2 }' /sys/fs/cgroup/cpu.stat");

        return g_ascii_strtoull(usec, NULL, 10) * 1000;
}

static char *launcher_pid(void)
{
        return shell("systemctl show --value --property=MainPID agenthost-launcher.service");
}

/* Launches n agents in 20 guilds, so many at a time. */
static GPtrArray *launch(Fixture *f, const char *prefix, unsigned n, const char *runtime)
{
        GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)spawned_free);

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *id = g_strdup_printf("%s-%u", prefix, i),
                                *guild = g_strdup_printf("guild-%u", i % 20);

                g_ptr_array_add(all, fixture_spawn_begin(f, id, guild, runtime));
                if (i >= IN_FLIGHT)
                        fixture_wait(f, all->pdata[i - IN_FLIGHT]);
        }
        for (unsigned i = 0; i < n; i++)
                fixture_wait(f, all->pdata[i]);
        return all;
}

static void stop_all(Fixture *f, GPtrArray *all)
{
        for (guint i = 0; i < all->len; i++) {
                const Spawned *s = all->pdata[i];

                if (s->unit)
                        fixture_stop(f, s->unit, UINT64_MAX);
        }
        for (guint i = 0; i < all->len; i++) {
                const Spawned *s = all->pdata[i];

                if (!s->unit)
                        continue;
                g_assert_cmpstr(fixture_wait_end(f, s->unit)->result, ==, "success");
                fixture_acknowledge(f, s->unit);
        }
}

static void expect_nothing_left(Fixture *f)
{
        g_autoptr(GPtrArray) agents = fixture_list(f, NULL);
        g_autofree char *pid = launcher_pid();

        g_assert_cmpuint(agents->len, ==, 0);
        g_assert_false(shell_succeeds("systemctl list-units --all --no-legend 'agent-*.scope' | grep ."));
        g_assert_false(shell_succeeds("ls /run/agenthost/credentials | grep ."));
        /* No zombie: its only children are the executors that it keeps, each with a descriptor, and there is
         * none above these and those of an idle launcher. */
        g_assert_false(
                shell_succeeds("ps --ppid %s -o stat=,comm= | grep -v '^[^Z]* agenthost-execu'", pid));
        g_assert_true(shell_succeeds(
                "test $(ls /proc/%s/fd | wc -l) -le $((20 + $(ps --ppid %s -o pid= | wc -l)))", pid, pid));
        shell_await("! systemctl list-units --all --no-legend 'agents-*.slice' | grep .");
}

static void test_thousand_launches_leave_nothing(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *pid = launcher_pid();
        g_autoptr(GPtrArray) agents = NULL;
        gint64 began = g_get_monotonic_time();
        uint64_t host = host_cpu_nsec(), launcher = cpu_nsec(pid), systemd = cpu_nsec("1");
        unsigned n = 1000;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nStandardOutput=null");
        agents = launch(f, "many", n, "sleep");
        g_test_message(
                "%.0f launches/s; CPU for each: launcher %.0f us, systemd %.0f us, whole host %.0f us",
                n * 1e6 / (double)(g_get_monotonic_time() - began),
                (double)(cpu_nsec(pid) - launcher) / n / 1000, (double)(cpu_nsec("1") - systemd) / n / 1000,
                (double)(host_cpu_nsec() - host) / n / 1000);
        for (guint i = 0; i < agents->len; i++)
                g_assert_cmpstr(((Spawned *)agents->pdata[i])->text, ==, NULL);

        stop_all(f, agents);
        expect_nothing_left(f);
}

static void test_list_comes_in_pages(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autoptr(GPtrArray) agents = NULL, listed = NULL;
        unsigned pages;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nStandardOutput=null");
        agents = launch(f, "page", 2 * LAUNCHER_PAGE + 50, "sleep");
        listed = fixture_list(f, &pages);
        g_assert_cmpuint(listed->len, ==, agents->len);
        g_assert_cmpuint(pages, ==, 4);
        for (guint i = 1; i < listed->len; i++)
                g_assert_cmpstr(
                        ((Listed *)listed->pdata[i - 1])->unit, <, ((Listed *)listed->pdata[i])->unit);
        stop_all(f, agents);
        expect_nothing_left(f);
}

static void restart_launcher(Fixture *f, const char *how)
{
        g_autofree char *pid = launcher_pid();

        g_free(shell("%s", how));
        shell_await(
                "p=$(systemctl show --value --property=MainPID agenthost-launcher.service) && "
                "test $p != 0 && test $p != %s && systemctl is-active --quiet agenthost-launcher.service",
                pid);
        fixture_reconnect(f);
}

static void test_agents_are_taken_back_after_the_launcher_died(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autoptr(GPtrArray) kept = NULL, listed = NULL;
        g_auto(GStrv) refused = NULL, again = NULL;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) lives = fixture_spawn(f, "lives", "sleep");
        g_autoptr(Spawned) dies = fixture_spawn(f, "dies", "sleep");
        g_autoptr(Spawned) liar = fixture_spawn(f, "liar", "sleep");
        kept = fixture_list(f, NULL);

        restart_launcher(f, "systemctl kill --signal=KILL agenthost-launcher.service");
        listed = fixture_list(f, NULL);
        g_assert_cmpuint(listed->len, ==, 0);
        g_assert_true(shell_succeeds("systemctl is-active --quiet %s", lives->unit));
        g_assert_true(g_file_test("/run/agenthost/credentials/agent-lives.scope", G_FILE_TEST_EXISTS));

        g_assert_cmpint(kill(dies->pid, SIGKILL), ==, 0);
        shell_await("! systemctl is-active --quiet %s", dies->unit);
        for (guint i = 0; i < kept->len; i++) {
                Listed *l = kept->pdata[i];

                if (strcmp(l->agent_id, "liar") == 0)
                        l->pid = lives->pid;
        }
        refused = fixture_adopt(f, kept);
        g_assert_cmpuint(g_strv_length(refused), ==, 2);
        g_assert_true(g_strv_contains((const char *const *)refused, dies->unit));
        g_assert_true(g_strv_contains((const char *const *)refused, liar->unit));
        /* What was signalled before the answer is here. */
        while (sd_bus_process(f->bus, NULL) > 0)
                ;
        g_assert_true(g_hash_table_contains(f->ends, dies->unit));
        g_assert_true(g_hash_table_contains(f->ends, liar->unit));

        again = fixture_adopt(f, kept);
        g_assert_cmpuint(g_strv_length(again), ==, 0);
        fixture_acknowledge(f, liar->unit);

        fixture_stop(f, lives->unit, UINT64_MAX);
        g_assert_cmpstr(fixture_wait_end(f, lives->unit)->result, ==, "success");
        g_assert_true(fixture_wait_end(f, lives->unit)->requested);
        fixture_acknowledge(f, lives->unit);
        fixture_acknowledge(f, dies->unit);
        expect_nothing_left(f);
}

static void test_adopted_agent_ends_with_status_where_kernel_tells(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autoptr(GPtrArray) kept = NULL;
        g_auto(GStrv) refused = NULL;
        const End *end;

        fixture_runtime(f, "waits",
                "Exec=/bin/sh -c 'while ! test -e " TEST_DIR "/go; do sleep 0.05; done; exit 6'");
        g_free(shell("rm -f " TEST_DIR "/go"));
        g_autoptr(Spawned) s = fixture_spawn(f, "waits", "waits");
        kept = fixture_list(f, NULL);
        restart_launcher(f, "systemctl restart agenthost-launcher.service");
        refused = fixture_adopt(f, kept);
        g_assert_cmpuint(g_strv_length(refused), ==, 0);

        g_free(shell("touch " TEST_DIR "/go"));
        end = fixture_wait_end(f, s->unit);
        if (end->code == CLD_EXITED) {
                g_assert_cmpint(end->status, ==, 6);
                g_assert_cmpstr(end->result, ==, "exit-code");
        } else {
                g_test_message("this kernel does not tell");
                g_assert_cmpstr(end->result, ==, "lost");
                g_assert_cmpint(end->status, ==, -1);
        }
        fixture_acknowledge(f, s->unit);
        expect_nothing_left(f);
}

static void test_launches_survive_reexecution_of_systemd(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autoptr(GPtrArray) agents = g_ptr_array_new_with_free_func((GDestroyNotify)spawned_free);

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nStandardOutput=null");
        for (unsigned i = 0; i < 200; i++) {
                g_autofree char *id = g_strdup_printf("reexec-%u", i);

                g_ptr_array_add(agents, fixture_spawn_begin(f, id, "g", "sleep"));
                if (i == 100) {
                        fixture_wait(f, agents->pdata[50]);
                        g_free(shell("systemctl daemon-reexec"));
                }
        }
        for (guint i = 0; i < agents->len; i++) {
                fixture_wait(f, agents->pdata[i]);
                g_assert_cmpstr(((Spawned *)agents->pdata[i])->text, ==, NULL);
        }
        stop_all(f, agents);
        expect_nothing_left(f);
}

static void test_reload_of_systemd_ends_no_agent(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autoptr(GPtrArray) listed = NULL, agents = NULL;

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nStandardOutput=null");
        agents = launch(f, "reload", 20, "sleep");
        g_free(shell("systemctl daemon-reload"));
        g_free(shell("systemctl daemon-reload"));
        g_assert_null(fixture_call(f, LAUNCHER_LIST, "s", ""));
        g_assert_cmpuint(g_hash_table_size(f->ends), ==, 0);
        listed = fixture_list(f, NULL);
        g_assert_cmpuint(listed->len, ==, 20);
        for (guint i = 0; i < listed->len; i++)
                g_assert_cmpuint(((Listed *)listed->pdata[i])->phase, ==, LAUNCHER_RUNNING);
        stop_all(f, agents);
        expect_nothing_left(f);
}

static void test_spawn_works_after_the_executor_died(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *pid = launcher_pid();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_free(shell("pkill -KILL -x agenthost-execu -P %s", pid));
        shell_await("! pgrep -x agenthost-execu -P %s", pid);
        g_autoptr(Spawned) s = fixture_spawn(f, "after", "sleep");
        fixture_stop(f, s->unit, UINT64_MAX);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGTERM, true);
        expect_nothing_left(f);
}

/* As a launcher leaves it that dies amid a launch: a scope around a process that had just died. */
static void test_empty_scope_blocks_no_launch(void)
{
        g_autoptr(Fixture) f = fixture_new();
        pid_t dead = fork();

        if (dead == 0)
                _exit(0);
        g_assert_cmpint(waitid(P_PID, (id_t)dead, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), ==, 0);
        /* 257 makes none of it; 252 makes one that stays. The second command waits for the job. */
        (void)shell_succeeds(
                "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
                "org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' "
                "agent-empty.scope replace 2 PIDs au 1 %d CollectMode s inactive-or-failed 0 && "
                "systemctl start agent-empty.scope",
                dead);
        g_assert_cmpint(waitpid(dead, NULL, 0), ==, dead);

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_autoptr(Spawned) s = fixture_spawn(f, "empty", "sleep");
        fixture_stop(f, s->unit, UINT64_MAX);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGTERM, true);
        expect_nothing_left(f);
}

/* As a launcher leaves it that dies after the agent was executed and before it has said so. */
static void test_what_is_left_of_a_launch_is_ended(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *refused = NULL;

        g_assert_true(
                shell_succeeds("systemd-run --quiet --scope --unit=agent-stray.scope --slice=agents.slice "
                               "sleep 1000 >/dev/null 2>&1 & "
                               "until systemctl is-active --quiet agent-stray.scope; do :; done"));
        refused = fixture_call(f, LAUNCHER_STOP, LAUNCHER_STOP_IN, "agent-stray.scope", UINT64_C(1));
        g_assert_cmpstr(refused, ==, ERROR "NoSuchAgent");
        g_assert_true(shell_succeeds("systemctl is-active --quiet agent-stray.scope"));
        fixture_stop(f, "agent-stray.scope", 0);
        g_assert_true(shell_succeeds("while systemctl is-active --quiet agent-stray.scope; do :; done"));
        fixture_stop(f, "agent-stray.scope", 0);
        expect_nothing_left(f);
}

/* What hangs is the executor; that nothing comes of it afterwards either is the point. */
static void test_launch_has_a_limit(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *pid = launcher_pid();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000");
        g_free(shell("pkill -STOP -x agenthost-execu -P %s", pid));
        g_autoptr(Spawned) s = fixture_spawn_with(f, "late", "sleep", NULL, NULL);
        g_assert_cmpstr(s->error, ==, ERROR "StartFailed");
        g_assert_cmpstr(s->text, ==, "Not started within 30s: agenthost-executor has made no process");
        g_free(shell("pkill -CONT -x agenthost-execu -P %s", pid));

        /* The next one comes after it. */
        g_autoptr(Spawned) next = fixture_spawn(f, "next", "sleep");
        fixture_stop(f, next->unit, UINT64_MAX);
        fixture_expect_end(f, next, "success", CLD_KILLED, SIGTERM, true);
        expect_nothing_left(f);
}

/* As at shutdown: stop jobs for all at the same time. */
static void test_agents_end_before_the_launcher_stops(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *first = NULL;

        fixture_runtime(f, "stubborn",
                "Exec=/bin/sh -c 'trap \"\" TERM; echo ready >" TEST_DIR
                "/stubborn; while :; do sleep 0.1; done'\nStopTimeoutSec=1");
        g_free(shell("rm -f " TEST_DIR "/stubborn"));
        g_autoptr(Spawned) s = fixture_spawn(f, "stubborn", "stubborn");
        g_free(await_file("stubborn"));

        g_free(shell("systemctl stop agents.slice agenthost-launcher.service agenthost-launcher.socket"));
        first = shell("journalctl --sync && journalctl --boot --output=cat _PID=1 |"
                      " grep -E '^(Removed slice agents.slice|Stopped agenthost-launcher.service)' |"
                      " tail -n 2 | head -n 1");
        g_assert_true(g_str_has_prefix(first, "Removed slice"));
        /* It lived to tell. */
        g_assert_cmpstr(fixture_wait_end(f, s->unit)->result, ==, "success");
}

/* Who asked is gone before the answer: the others are told. */
static void test_launch_goes_on_when_its_caller_leaves(void)
{
        g_autoptr(Fixture) asker = fixture_new();
        g_autoptr(Fixture) other = fixture_new();
        g_autoptr(Spawned) orphan = NULL, failing = NULL;

        fixture_runtime(other, "sleep", "Exec=/bin/sleep 1000");
        fixture_runtime(other, "wrong", "Exec=/nonexistent");
        orphan = fixture_spawn_begin(asker, "orphan", "g", "sleep");
        failing = fixture_spawn_begin(asker, "wrong", "g", "wrong");
        g_assert_null(orphan->unit);
        g_assert_null(failing->error);
        g_assert_cmpint(sd_bus_flush(asker->bus), >=, 0);
        sd_bus_close(asker->bus);

        while (other->launched->len == 0)
                fixture_process(other, TEST_LIMIT_USEC);
        g_assert_cmpstr(other->launched->pdata[0], ==, "agent-orphan.scope");
        g_assert_cmpstr(fixture_wait_end(other, "agent-wrong.scope")->result, ==, "resources");

        fixture_stop(other, "agent-orphan.scope", UINT64_MAX);
        (void)fixture_wait_end(other, "agent-orphan.scope");
        fixture_acknowledge(other, "agent-orphan.scope");
        expect_nothing_left(other);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/launcher-fleet/thousand_launches_leave_nothing", test_thousand_launches_leave_nothing);
        g_test_add_func("/launcher-fleet/list_comes_in_pages", test_list_comes_in_pages);
        g_test_add_func("/launcher-fleet/agents_are_taken_back_after_the_launcher_died",
                test_agents_are_taken_back_after_the_launcher_died);
        g_test_add_func("/launcher-fleet/adopted_agent_ends_with_status_where_kernel_tells",
                test_adopted_agent_ends_with_status_where_kernel_tells);
        g_test_add_func("/launcher-fleet/launches_survive_reexecution_of_systemd",
                test_launches_survive_reexecution_of_systemd);
        g_test_add_func(
                "/launcher-fleet/reload_of_systemd_ends_no_agent", test_reload_of_systemd_ends_no_agent);
        g_test_add_func("/launcher-fleet/launch_goes_on_when_its_caller_leaves",
                test_launch_goes_on_when_its_caller_leaves);
        g_test_add_func("/launcher-fleet/spawn_works_after_the_executor_died",
                test_spawn_works_after_the_executor_died);
        g_test_add_func("/launcher-fleet/empty_scope_blocks_no_launch", test_empty_scope_blocks_no_launch);
        g_test_add_func(
                "/launcher-fleet/what_is_left_of_a_launch_is_ended", test_what_is_left_of_a_launch_is_ended);
        /* It waits for the limit to pass. */
        if (g_getenv("AGENTHOST_TEST_ALL"))
                g_test_add_func("/launcher-fleet/launch_has_a_limit", test_launch_has_a_limit);
        g_test_add_func("/launcher-fleet/agents_end_before_the_launcher_stops",
                test_agents_end_before_the_launcher_stops);
        return g_test_run();
}
