/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launcher executes itself in place, on request or because it has crashed: it is the same process
 * afterwards, every agent is still its child, and how each ends is known exactly. Callers notice nothing of
 * a reload, whatever they ask for meanwhile. */

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define LAUNCHER "agenthost-launcher.service"
#define AGENTHOSTD "agenthostd.service"
#define PROGRAM "/usr/lib/agenthost/agenthost-launcher"
#define MESSAGE_REEXECUTED "3d1c4c8e0a5f4f3c9b1f6f0f5a3a8a61"

/* As reexec.h has it. */
#define CRASHES_MAX 5u

/* As a runtime: at SIGUSR1 it exits with 42. */
#define ANSWER "test-answer"

static Client *begin(void)
{
        runtime_add(ANSWER, "notify", "ready wait exit=42", "StartTimeoutSec=1h");
        config_write("[Host]\nMaxAgents=1000\n");
        return agents_begin();
}

/* One that has not crashed of late. */
static Client *begin_crashing(void)
{
        g_free(command("systemctl restart " LAUNCHER));
        return begin();
}

/* What must not change: the process, and how often systemd has started it. */
static char *life(void)
{
        return command("systemctl show --property=MainPID,NRestarts,ActiveState " LAUNCHER);
}

static void reload(void)
{
        g_free(command("systemctl reload " LAUNCHER));
}

static unsigned count_reexecutions(void)
{
        g_autofree char *log = NULL;
        unsigned n = 0;

        g_free(command("journalctl --sync"));
        log = command("journalctl --quiet --output=cat --no-pager MESSAGE_ID=" MESSAGE_REEXECUTED);
        for (const char *p = log; (p = strchr(p, '\n')); p++)
                n++;
        return n;
}

/* It says so as the first thing that it does. */
static void crash_by(int signal_number)
{
        unsigned before = count_reexecutions();
        gint64 limit = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        service_signal(LAUNCHER, signal_number);
        while (count_reexecutions() == before)
                if (g_get_monotonic_time() > limit)
                        fail("SIG%s: expected the launcher to execute again, it has not",
                                sigabbrev_np(signal_number));
}

static void crash_segv(void)
{
        crash_by(SIGSEGV);
}

static void crash_abrt(void)
{
        crash_by(SIGABRT);
}

static pid_t parent_of(pid_t pid)
{
        g_autofree char *text = command("ps -o ppid= -p %d", (int)pid);

        return atoi(text);
}

static void expect_own_child(const char *id, pid_t pid)
{
        expect_true(id, process_is_alive(pid));
        expect_number("its parent", service_pid(LAUNCHER), parent_of(pid));
}

/* Everything that an agent may be in the middle of. */
static void expect_agents_last_over(void (*interruption)(void))
{
        static const char *const ids[] = { "running", "starting", "stopping" };
        _cleanup_client_ Client *c = begin_crashing();
        g_autofree char *before = life(), *after = NULL;
        pid_t pids[ELEMENTSOF(ids)], answer, killed;

        pids[0] = create(c, &(Create){ .id = "running", .runtime = NOTIFY, .wait = "ready" });
        pids[1] = create(c, &(Create){ .id = "starting", .runtime = SILENT });
        agent_wait(c, "starting", "StatusText", "waiting");
        pids[2] = create(c, &(Create){ .id = "stopping", .runtime = STUBBORN, .wait = "ready" });
        call_forget(client_send(c, MANAGER, "StopAgent", "su", "stopping", 3600u));
        agent_wait(c, "stopping", "State", "stopping");
        answer = create(c, &(Create){ .id = "answer", .runtime = ANSWER, .wait = "ready" });
        killed = create(c, &(Create){ .id = "killed", .runtime = NOTIFY, .wait = "ready" });

        interruption();
        create(c, &(Create){ .id = "next" });
        after = life();
        expect_text("the launcher", before, after);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                agent_expect(c, ids[i], "State", ids[i]);
                expect_own_child(ids[i], pids[i]);
        }
        expect_own_child("answer", answer);
        expect_own_child("killed", killed);

        kill(answer, SIGUSR1);
        agent_wait_end(c, "answer", "exit-code", 42);
        kill(killed, SIGUSR2);
        agent_wait_end(c, "killed", "signal", SIGUSR2);
        agent_let_be_ready(c, "starting");
        agent_wait(c, "starting", "State", "running");
        expect_true("StopAgent of the running one", agent_stop(c, "running", 0));
        expect_true("StopAgent of the stopping one", agent_stop(c, "stopping", 1));
        expect_true("StopAgent of the starting one", agent_stop(c, "starting", 0));
        expect_number("processes", 1, agent_process_count());
}

static void test_reload_changes_nothing(void)
{
        expect_agents_last_over(reload);
}

static void test_sigsegv_changes_nothing(void)
{
        expect_agents_last_over(crash_segv);
        expect_true("why, in the journal", journal_has(LAUNCHER, "Crashed by SIGSEGV"));
}

static void test_sigabrt_changes_nothing(void)
{
        expect_agents_last_over(crash_abrt);
        expect_true("why, in the journal", journal_has(LAUNCHER, "Crashed by SIGABRT"));
}

/* While it cannot see them end; the request waits for it too. */
static void test_ends_during_a_reload_are_known(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t answer = create(c, &(Create){ .id = "answer", .runtime = ANSWER, .wait = "ready" });
        pid_t killed = create(c, &(Create){ .id = "killed", .runtime = NOTIFY, .wait = "ready" });
        unsigned before = count_reexecutions();

        service_signal(LAUNCHER, SIGSTOP);
        g_free(command("systemctl --no-block reload " LAUNCHER));
        kill(answer, SIGUSR1);
        kill(killed, SIGKILL);
        process_wait_end(answer);
        process_wait_end(killed);
        service_signal(LAUNCHER, SIGCONT);
        agent_wait_end(c, "answer", "exit-code", 42);
        agent_wait_end(c, "killed", "signal", SIGKILL);
        reload();
        expect_true("executed again", count_reexecutions() > before);
}

static void wait_scopes_gone(void)
{
        gint64 limit = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_auto(GStrv) scopes = scope_list();

                if (!scopes[0])
                        return;
                if (g_get_monotonic_time() > limit)
                        fail("%s: expected it to go, it has not", scopes[0]);
        }
}

/* One ends before, one afterwards; nobody has taken notice of either. */
static void expect_zombies_last_over(void (*interruption)(void))
{
        _cleanup_client_ Client *c = begin_crashing();
        pid_t before = create(c, &(Create){ .id = "before", .runtime = ANSWER, .wait = "ready" });
        pid_t after = create(c, &(Create){ .id = "after", .runtime = ANSWER, .wait = "ready" });
        pid_t killed = create(c, &(Create){ .id = "killed", .runtime = NOTIFY, .wait = "ready" });

        g_free(command("systemctl stop " AGENTHOSTD));
        kill(before, SIGUSR1);
        process_wait_end(before);
        interruption();
        interruption();
        kill(after, SIGUSR1);
        kill(killed, SIGABRT);
        wait_scopes_gone();
        g_free(command("systemctl start " AGENTHOSTD));

        agent_wait(c, "before", "State", "exited");
        agent_expect(c, "before", "ExitStatus", "42");
        agent_wait(c, "after", "State", "exited");
        agent_expect(c, "after", "ExitStatus", "42");
        agent_wait(c, "killed", "State", "failed");
        agent_expect(c, "killed", "ExitStatus", "6");
        /* Acknowledged, they are reaped. */
        create(c, &(Create){ .id = "next" });
        expect_true("reaped", kill(before, 0) < 0 && kill(after, 0) < 0 && kill(killed, 0) < 0);
}

static void test_zombies_last_over_reloads(void)
{
        expect_zombies_last_over(reload);
}

static void test_zombies_last_over_crashes(void)
{
        expect_zombies_last_over(crash_segv);
}

static void wait_deactivating(const char *unit)
{
        for (bool done = false; !done;) {
                g_autofree char *state = scope_property(unit, "Unit", "ActiveState");

                done = g_strcmp0(state, "deactivating") == 0;
        }
}

/* Only the one that was there when it was asked for can know. */
static void test_stop_by_an_administrator_is_remembered(void)
{
        static const char stubborn[] = "StartTimeoutSec=1h\nStopTimeoutSec=1h";
        _cleanup_client_ Client *c = NULL;
        pid_t pid;

        runtime_add("test-patient", "notify", "ignore-term ready wait", stubborn);
        c = begin();
        pid = create(c, &(Create){ .id = "a1", .runtime = "test-patient", .wait = "ready" });
        g_free(command("systemctl --no-block stop agent-a1.scope"));
        /* Seen by the launcher before it answers this. */
        wait_deactivating("agent-a1.scope");
        create(c, &(Create){ .id = "a2" });
        reload();
        kill(pid, SIGKILL);
        agent_wait_end(c, "a1", "success", SIGKILL);
        expect_false("a1, stopped on request", agent_is_known(c, "a1"));
}

/* A crash forgets it, but the job is still there. */
static void test_stop_job_is_seen_after_a_crash(void)
{
        static const char stubborn[] = "StartTimeoutSec=1h\nStopTimeoutSec=1h";
        _cleanup_client_ Client *c = NULL;
        pid_t pid;

        runtime_add("test-patient", "notify", "ignore-term ready wait", stubborn);
        c = begin_crashing();
        pid = create(c, &(Create){ .id = "a1", .runtime = "test-patient", .wait = "ready" });
        g_free(command("systemctl --no-block stop agent-a1.scope"));
        wait_deactivating("agent-a1.scope");
        crash_segv();
        create(c, &(Create){ .id = "a2" });
        kill(pid, SIGKILL);
        agent_wait_end(c, "a1", "success", SIGKILL);
}

/* Creates agents without a pause, so many at a time, and does something else after each so many. */
#define STREAM_IN_FLIGHT 16u

typedef void (*StreamEvent)(unsigned i);

static void stream(Client *c, unsigned n, unsigned every, StreamEvent event, bool may_be_unavailable)
{
        g_autofree Call **calls = g_new0(Call *, n);
        unsigned n_sent = 0;

        for (unsigned i = 0; i < n; i++) {
                for (; n_sent < n && n_sent < i + STREAM_IN_FLIGHT; n_sent++) {
                        g_autofree char *id = g_strdup_printf("s%u", n_sent);

                        calls[n_sent] = create_send(c, &(Create){ .id = id });
                }
                if (i % every == every / 2)
                        event(i);
                for (;;) {
                        _cleanup_message_ sd_bus_message *answer = call_answer(calls[i]);
                        const sd_bus_error *e = sd_bus_message_get_error(answer);
                        g_autofree char *id = g_strdup_printf("s%u", i);

                        if (!e)
                                break;
                        if (!may_be_unavailable || !sd_bus_error_has_name(e, ERROR_("LauncherUnavailable")))
                                fail("CreateAgent of %s: expected success, got %s: %s", id, e->name,
                                        e->message);
                        calls[i] = create_send(c, &(Create){ .id = id });
                }
        }
}

static void expect_all_there(Client *c, unsigned n)
{
        g_autofree char *list = agent_list(c, "");
        g_auto(GStrv) ids = g_strsplit(list, " ", -1), scopes = scope_list(), states = state_list();

        expect_number("ListAgents", n, g_strv_length(ids));
        expect_number("scopes", n, g_strv_length(scopes));
        expect_number("state files", n, g_strv_length(states));
        expect_number("processes", n, agent_process_count());
}

static void reload_unwaited(unsigned i)
{
        (void)i;
        g_free(command("systemctl --no-block reload " LAUNCHER));
}

static void test_stream_of_launches_notices_no_reload(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = life(), *after = NULL;
        unsigned n = count_reexecutions();

        stream(c, 120, 20, reload_unwaited, false);
        reload();
        after = life();
        expect_text("the launcher", before, after);
        expect_true("executed again, more than once", count_reexecutions() - n >= 2);
        expect_all_there(c, 120);
}

static int64_t size_of(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                fail("%s: %m", path);
        return st.st_size;
}

static void expect_runs_what_is_installed(void)
{
        g_autofree char *exe = g_strdup_printf("/proc/%d/exe", (int)service_pid(LAUNCHER));

        expect_number("size of the program that runs", size_of(PROGRAM), size_of(exe));
}

/* The other build differs from ours in its length. Swapped as a package manager does it, by a rename. */
static void swap_builds(unsigned i)
{
        (void)i;
        g_free(command("sh -c 'test -e " PROGRAM ".other || { cp " PROGRAM " " PROGRAM ".other && "
                       "echo >>" PROGRAM ".other; }; "
                       "mv " PROGRAM ".other " PROGRAM ".new && cp " PROGRAM " " PROGRAM ".other && "
                       "mv " PROGRAM ".new " PROGRAM "'"));
        reload();
        expect_runs_what_is_installed();
}

static void test_builds_take_over_from_each_other(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = life(), *after = NULL;
        int64_t size = size_of(PROGRAM);
        pid_t answer = create(c, &(Create){ .id = "answer", .runtime = ANSWER, .wait = "ready" });

        stream(c, 80, 20, swap_builds, false);
        expect_number("the first build again", size, size_of(PROGRAM));
        after = life();
        expect_text("the launcher", before, after);
        expect_all_there(c, 81);
        kill(answer, SIGUSR1);
        agent_wait_end(c, "answer", "exit-code", 42);
}

static void test_build_that_does_not_run_is_not_taken(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = life(), *after = NULL;

        g_free(command("sh -c 'mv " PROGRAM " " PROGRAM ".kept && touch " PROGRAM " && "
                       "! systemctl reload " LAUNCHER "; r=$?; mv " PROGRAM ".kept " PROGRAM "; exit $r'"));
        create(c, &(Create){ .id = "a1" });
        after = life();
        expect_text("the launcher", before, after);
}

/* By its own signal, where nothing has tried the build before. */
static void test_without_a_build_the_old_one_goes_on(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = life(), *after = NULL;
        unsigned n = count_reexecutions();

        g_free(command("mv " PROGRAM " " PROGRAM ".kept"));
        service_signal(LAUNCHER, SIGHUP);
        while (count_reexecutions() == n)
                ;
        create(c, &(Create){ .id = "a1" });
        g_free(command("mv " PROGRAM ".kept " PROGRAM));
        after = life();
        expect_text("the launcher", before, after);
        reload();
        expect_runs_what_is_installed();
}

static void stop_and_reload(Client *c, const char *id)
{
        Call *stop;
        int stopped;

        service_signal(LAUNCHER, SIGSTOP);
        g_free(command("systemctl --no-block reload " LAUNCHER));
        stop = client_send(c, MANAGER, "StopAgent", "su", id, 0u);
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        service_signal(LAUNCHER, SIGCONT);
        {
                _cleanup_message_ sd_bus_message *answer = call_success(stop);

                must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
        }
        expect_true("StopAgent", stopped);
}

static void test_stop_and_kill_notice_no_reload(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "stopped", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "answer", .runtime = ANSWER, .wait = "ready" });
        stop_and_reload(c, "stopped");
        for (unsigned i = 0; i < 20; i++) {
                reload_unwaited(i);
                agent_signal(c, "answer", SIGCONT);
        }
        agent_signal(c, "answer", SIGUSR1);
        agent_wait_end(c, "answer", "exit-code", 42);
}

/* systemd holds the first slice back while a service that it comes after is being reloaded. */
static void test_first_launch_of_all_notices_no_reload(void)
{
        _cleanup_client_ Client *c = begin();

        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);
                Call *call;

                g_free(command("systemctl stop agents.slice"));
                call = create_send(c, &(Create){ .id = id });
                reload();
                sd_bus_message_unref(call_success(call));
                expect_number("processes", 1, agent_process_count());
                expect_true("StopAgent", agent_stop(c, id, 1));
        }
}

/* Children of the launcher but for executors, which come and go. */
static unsigned count_zombies(void)
{
        g_autofree char *text = command("ps -o stat= --ppid %d", (int)service_pid(LAUNCHER));
        unsigned n = 0;

        for (const char *p = text; *p; p++)
                n += *p == 'Z';
        return n;
}

static void wait_no_zombies(void)
{
        gint64 limit = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        while (count_zombies() > 0)
                if (g_get_monotonic_time() > limit)
                        fail("zombies: expected none, there are %u", count_zombies());
}

/* What hangs is the executor; the reload ends it, and the launch is made by the next one. */
static void test_launch_that_hangs_is_begun_anew(void)
{
        _cleanup_client_ Client *c = begin_crashing();
        g_autofree char *before = NULL, *after = NULL;
        Call *call;

        create(c, &(Create){ .id = "a1" });
        before = life();
        g_free(command("pkill -STOP -x agenthost-execu -P %d", (int)service_pid(LAUNCHER)));
        call = create_send(c, &(Create){ .id = "a2" });
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        reload();
        sd_bus_message_unref(call_success(call));
        after = life();
        expect_text("the launcher", before, after);
        expect_all_there(c, 2);
        wait_no_zombies();
}

static void crash_unwaited(unsigned i)
{
        service_signal(LAUNCHER, i % 2 == 0 ? SIGSEGV : SIGABRT);
}

/* What was being launched is asked for again by who wanted it; nothing is left of the first attempt. */
static void test_stream_of_launches_survives_crashes(void)
{
        _cleanup_client_ Client *c = begin_crashing();
        g_autofree char *before = life(), *after = NULL;

        stream(c, 100, 25, crash_unwaited, true);
        after = life();
        expect_text("the launcher", before, after);
        expect_all_there(c, 100);
        wait_no_zombies();
}

static void test_crashes_without_end_are_left_to_systemd(void)
{
        _cleanup_client_ Client *c = begin_crashing();
        pid_t pid, launcher;
        unsigned n = 0;

        launcher = service_pid(LAUNCHER);
        pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        while (service_pid(LAUNCHER) == launcher && n <= CRASHES_MAX) {
                unsigned before = count_reexecutions();

                service_signal(LAUNCHER, SIGSEGV);
                n++;
                while (process_is_alive(launcher) && count_reexecutions() == before)
                        ;
                g_free(command("systemctl start " LAUNCHER));
        }
        expect_number("crashes until it was started again", CRASHES_MAX + 1, n);
        create(c, &(Create){ .id = "a2" });
        expect_true("a1", process_is_alive(pid));
        expect_number("a1's parent", 1, parent_of(pid));
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* Of signals what the pattern says (mask, ignored, caught), and the limit of open files. */
static char *attributes(pid_t pid, const char *signals)
{
        return command("sh -c 'grep -E ^Sig%s /proc/%d/status; grep -E files /proc/%d/limits'", signals,
                (int)pid, (int)pid);
}

/* Open descriptors by what they are. */
static char *descriptors(pid_t pid)
{
        return command("sh -c 'for f in /proc/%d/fd/*; do readlink $f; done | sed s/:.*// | sort | uniq -c'",
                (int)pid);
}

/* An agent is launched, looked at, and stopped: afterwards the launcher is at rest. */
static char *agent_attributes(Client *c)
{
        pid_t pid = create(c, &(Create){ .id = "a2" });
        char *text = attributes(pid, "Ign"); /* the mask is its own */

        expect_true("StopAgent", agent_stop(c, "a2", 1));
        return text;
}

static void test_nothing_is_inherited_that_is_not_meant_to(void)
{
        static void (*const interruptions[])(void) = { reload, reload, crash_segv, reload, crash_abrt };
        _cleanup_client_ Client *c = begin_crashing();
        pid_t pid = service_pid(LAUNCHER);
        g_autofree char *agent = agent_attributes(c), *own = attributes(pid, "[BIC]"), *open = NULL;

        for (size_t i = 0; i < ELEMENTSOF(interruptions); i++) {
                g_autofree char *agent_now = NULL, *own_now = NULL, *open_now = NULL;

                interruptions[i]();
                agent_now = agent_attributes(c);
                own_now = attributes(pid, "[BIC]");
                open_now = descriptors(pid);
                expect_text("of an agent", agent, agent_now);
                expect_text("of the launcher", own, own_now);
                /* One to the journal comes with the first thing that it says. */
                if (open)
                        expect_text("descriptors", open, open_now);
                else
                        open = steal_ptr(open_now);
        }
}

static void test_reload_is_for_root_alone(void)
{
        unsigned before = count_reexecutions();

        g_free(command("sh -c '! setpriv --reuid=agenthost --regid=agenthost --clear-groups " PROGRAM
                       " --reload 2>/run/agenthost-tests/refused'"));
        g_free(command("grep 'Only user 0 may ask' /run/agenthost-tests/refused"));
        expect_number("executed again", before, count_reexecutions());
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/reload-launcher/" name, test_##function)
        ADD("reload-changes-nothing", reload_changes_nothing);
        ADD("ends-during-a-reload-are-known", ends_during_a_reload_are_known);
        ADD("zombies-last-over-reloads", zombies_last_over_reloads);
        ADD("stop-by-an-administrator-is-remembered", stop_by_an_administrator_is_remembered);
        ADD("stream-of-launches-notices-no-reload", stream_of_launches_notices_no_reload);
        ADD("stop-and-kill-notice-no-reload", stop_and_kill_notice_no_reload);
        ADD("first-launch-of-all-notices-no-reload", first_launch_of_all_notices_no_reload);
        ADD("launch-that-hangs-is-begun-anew", launch_that_hangs_is_begun_anew);
        ADD("builds-take-over-from-each-other", builds_take_over_from_each_other);
        ADD("build-that-does-not-run-is-not-taken", build_that_does_not_run_is_not_taken);
        ADD("without-a-build-the-old-one-goes-on", without_a_build_the_old_one_goes_on);
        ADD("reload-is-for-root-alone", reload_is_for_root_alone);
        ADD("sigsegv-changes-nothing", sigsegv_changes_nothing);
        ADD("sigabrt-changes-nothing", sigabrt_changes_nothing);
        ADD("zombies-last-over-crashes", zombies_last_over_crashes);
        ADD("stop-job-is-seen-after-a-crash", stop_job_is_seen_after_a_crash);
        ADD("stream-of-launches-survives-crashes", stream_of_launches_survives_crashes);
        ADD("nothing-is-inherited-that-is-not-meant-to", nothing_is_inherited_that_is_not_meant_to);
        ADD("crashes-without-end-are-left-to-systemd", crashes_without_end_are_left_to_systemd);
#undef ADD

        return host_tests_run();
}
