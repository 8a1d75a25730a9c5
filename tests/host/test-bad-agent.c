/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an agent may do: end in all manners, leave children, ignore signals, say too much, or say it from the
 * wrong place. Nothing of it outlives its scope, and agenthostd keeps its countenance. */

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define ODD "test-odd"

/* An agent that does this, with its runtime in effect. */
static Client *begin_odd(const char *type, const char *actions, const char *settings)
{
        Client *c = agents_begin();

        runtime_add(ODD, type, actions, settings);
        host_reload();
        return c;
}

static void expect_ended(Client *c, const char *state, const char *result, int exit_status)
{
        g_autofree char *status = g_strdup_printf("%d", exit_status);

        agent_wait_end(c, "a1", result, exit_status);
        agent_expect(c, "a1", "State", state);
        agent_expect(c, "a1", "Result", result);
        agent_expect(c, "a1", "ExitStatus", status);
        agent_expect(c, "a1", "Alive", "false");
        agent_expect(c, "a1", "MainPID", "0");
        expect_number("processes", 0, agent_process_count());
}

static void test_exec_agent_that_exits_at_once_was_started(void)
{
        static const struct {
                const char *actions, *state, *result;
                int status;
        } cases[] = {
                { "exit=0", "exited", "success", 0 },
                { "exit=3", "exited", "exit-code", 3 },
                { "exit=255", "exited", "exit-code", 255 },
                { "signal=9", "failed", "signal", SIGKILL },
                { "signal=15", "failed", "signal", SIGTERM },
                { "signal=11", "failed", "signal", SIGSEGV },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* No core dump: systemd would call the result by that. */
                runtime_add(ODD, "exec", cases[i].actions, "LimitCORE=0");
                host_reload();
                create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
                expect_ended(c, cases[i].state, cases[i].result, cases[i].status);
        }
}

static void test_notify_agent_that_ends_before_ready_has_failed(void)
{
        static const struct {
                const char *actions, *part, *state, *result;
                int status;
        } cases[] = {
                { "exit=0", "Agent a1 exited with status 0 before it was ready", "exited", "protocol", 0 },
                { "status=lost\\x20the\\x20key exit=3",
                        "Agent a1 exited with status 3 before it was ready; its last status: lost the key",
                        "exited", "exit-code", 3 },
                { "signal=9", "Agent a1 was killed by signal 9 (SIGKILL) before it was ready", "failed",
                        "signal", SIGKILL },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                runtime_add(ODD, "notify", cases[i].actions, NULL);
                host_reload();
                create_expect_error(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" },
                        ERROR_("StartFailed"), cases[i].part);
                create_expect_error(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" },
                        ERROR_("StartFailed"), "journalctl -u agent-a1.scope");
                client_drop_signals(c);
                agent_expect(c, "a1", "State", cases[i].state);
                agent_expect(c, "a1", "Result", cases[i].result);
                expect_number("processes", 0, agent_process_count());
        }
}

static void test_agent_that_never_says_ready_times_out(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "status=thinking wait", NULL);

        create_expect_error(c,
                &(Create){
                        .id = "a1", .runtime = ODD, .wait = "ready", .timeout_usec = 700 * USEC_PER_MSEC },
                ERROR_("StartTimeout"), "Agent a1 failed to start within 700ms; its last status: thinking");
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "timeout");
        expect_number("processes", 0, agent_process_count());
}

/* Nobody waits for it: the end is seen all the same. */
static void test_agent_times_out_also_when_nobody_waits(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "ignore-term children=1 wait", "StartTimeoutSec=1");

        create(c, &(Create){ .id = "a1", .runtime = ODD });
        expect_ended(c, "failed", "timeout", SIGKILL);
}

static void test_what_an_agent_leaves_behind_is_killed(void)
{
        _cleanup_client_ Client *c = begin_odd("exec", "ignore-term children=5 exit=0", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD });
        expect_ended(c, "exited", "success", 0);
}

static void test_agent_that_ignores_sigterm_is_killed_when_its_time_is_up(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        expect_number("processes", 2, agent_process_count());
        expect_true("StopAgent", agent_stop(c, "a1", 1));
        expect_number("processes", 0, agent_process_count());
        expect_false("a1", agent_is_known(c, "a1"));
}

/* A second caller who has less patience. */
static void test_stop_can_be_hurried(void)
{
        _cleanup_client_ Client *c = agents_begin(), *other = client_new();
        Call *patient;
        _cleanup_message_ sd_bus_message *answer = NULL;
        int stopped;

        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        patient = client_send(c, MANAGER, "StopAgent", "su", "a1", 3600u);
        agent_wait(c, "a1", "State", "stopping");
        expect_true("the hurried StopAgent", agent_stop(other, "a1", 1));
        answer = call_success(patient);
        must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
        expect_true("the patient StopAgent", stopped);
}

static void test_agent_that_closes_its_notify_socket_is_ready(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "close-notify wait", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        agent_expect(c, "a1", "State", "running");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* Root in the runtime, as others may not make scopes. STATUS= tells that the other's message has been read.
 */
static void test_ready_from_another_scope_does_not_count(void)
{
        _cleanup_client_ Client *c =
                begin_odd("notify", "ready-elsewhere status=said wait ready wait", "User=root");

        create(c, &(Create){ .id = "a1", .runtime = ODD });
        agent_wait(c, "a1", "StatusText", "said");
        agent_expect(c, "a1", "State", "starting");
        agent_expect(c, "a1", "ReadyAt", "0");
        expect_true("journal", journal_has("agenthostd.service", "dropped: it belongs to no agent here"));

        agent_signal(c, "a1", SIGUSR1);
        agent_wait(c, "a1", "State", "running");
}

static void notify_as_ourselves(const void *data, size_t size)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = NOTIFY_SOCKET_PATH };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (sendto(fd, data, size, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
                fail(NOTIFY_SOCKET_PATH ": %m");
}

static void test_garbage_on_the_notify_socket_is_dropped(void)
{
        static const char *const texts[] = { "", "READY=1", "\n\n\n", "=", "READY", "MAINPID=1\nREADY=1" };
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *large = g_malloc0(100 * 1024);

        create(c, &(Create){ .id = "a1", .runtime = SILENT });
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                notify_as_ourselves(texts[i], strlen(texts[i]));
        notify_as_ourselves("READY=1\0READY=1", 15);
        notify_as_ourselves(large, 100 * 1024);

        /* Messages are read in their order. */
        agent_wait(c, "a1", "StatusText", "waiting");
        agent_let_be_ready(c, "a1");
        agent_wait(c, "a1", "State", "running");
}

static unsigned count_in_journal(const char *part)
{
        g_autofree char *log = NULL;
        unsigned n = 0;

        g_free(command("journalctl --sync"));
        log = command("journalctl --output=cat --no-pager --unit=agenthostd.service --since=-10min");
        for (const char *p = log; (p = strstr(p, part)); p++)
                n++;
        return n;
}

/* Ten lines, and one that says how many there were besides. */
static void test_flood_of_bad_notifications_does_not_fill_the_journal(void)
{
        _cleanup_client_ Client *c = agents_begin();
        const char *dropped = "dropped: it belongs to no agent here",
                   *summary = " more notifications dropped";
        unsigned before, summaries;

        /* Not in an interval that another test has begun. */
        g_free(command("systemctl restart agenthostd.service"));
        before = count_in_journal(dropped);
        summaries = count_in_journal(summary);
        for (unsigned i = 0; i < 1000; i++)
                notify_as_ourselves("READY=1", 7);
        notify_as_ourselves("READY=1\0READY=1", 15);
        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        expect_number("lines", 10, count_in_journal(dropped) - before);

        /* What has not been told is told at the end of the interval, or of the service. */
        g_free(command("systemctl restart agenthostd.service"));
        expect_number("summaries", 1, count_in_journal(summary) - summaries);
        expect_true(
                "the summary", count_in_journal("991 more notifications dropped within the last 10s") > 0);
}

/* A talkative agent costs the bus little; the last word is told all the same. */
static void test_flood_of_status_is_told_as_few_changes(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "ready wait flood=5000 wait", NULL);
        _cleanup_free_ char *path = agent_path("a1");
        bool last = false;
        unsigned n = 0;

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        agent_signal(c, "a1", SIGUSR1);
        while (!last) {
                g_autofree char *got = client_wait_changed(c, path, AGENT_INTERFACE, "StatusText");

                last = strcmp(got, "StatusText=5000") == 0;
                n++;
        }
        /* Ten a second, and it does not take a minute. */
        expect_true("few changes", n < 600);
}

static void test_ready_and_exit_are_both_seen(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "status=done ready exit=0", NULL);

        for (unsigned i = 0; i < 20; i++) {
                g_autofree char *ready_at = NULL;

                create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
                expect_ended(c, "exited", "success", 0);
                agent_expect(c, "a1", "StatusText", "done");
                ready_at = agent_property(c, "a1", "ReadyAt");
                expect_true("ReadyAt is set", strcmp(ready_at, "0") != 0);
        }
}

static void test_ten_mib_without_a_newline_hurt_nobody(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "log=10485760 ready wait", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_thousand_messages_at_once_are_all_read(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "flood=1000 ready wait", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        agent_expect(c, "a1", "StatusText", "1000");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* Others are served meanwhile: it never ends. */
static void test_flood_does_not_keep_others_out(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "ready flood=1000000000", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "a2", 0));
        expect_true("StopAgent", agent_stop(c, "a1", 1));
}

static void test_barrier_is_answered(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "barrier status=answered ready wait", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        agent_expect(c, "a1", "StatusText", "answered");
}

static void test_other_main_pid_is_ignored(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "mainpid=1 ready wait", NULL);
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        g_autofree char *expected = g_strdup_printf("%d", (int)pid);

        agent_expect(c, "a1", "MainPID", expected);
        expect_true(
                "journal", journal_has("agenthostd.service", "Agent a1 sent MAINPID=, which is ignored"));
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_agent_may_say_that_it_is_stopping(void)
{
        _cleanup_client_ Client *c = begin_odd("notify", "ready stopping wait exit=4", NULL);

        create(c, &(Create){ .id = "a1", .runtime = ODD, .wait = "ready" });
        agent_wait(c, "a1", "State", "stopping");
        agent_expect(c, "a1", "Alive", "true");
        agent_signal(c, "a1", SIGUSR1);
        expect_ended(c, "exited", "exit-code", 4);
}

/* The zombie is the record until then. */
static void test_end_that_cannot_be_written_down_is_written_when_it_can(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *file = NULL;
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });

        g_free(command("chmod 0500 /run/agenthost/agents"));
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        g_free(command("test -d /proc/%d", (int)pid));

        g_free(command("chmod 0700 /run/agenthost/agents"));
        g_free(command("timeout 60 sh -c 'while test -d /proc/%d; do sleep 0.05; done'", (int)pid));
        file = command("cat /run/agenthost/agents/agent-a1.scope.json");
        expect_true("its state is written", strstr(file, "\"failed\"") != NULL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/bad-agent/" name, test_##function)
        ADD("exec-agent-that-exits-at-once-was-started", exec_agent_that_exits_at_once_was_started);
        ADD("notify-agent-that-ends-before-ready-has-failed",
                notify_agent_that_ends_before_ready_has_failed);
        ADD("agent-that-never-says-ready-times-out", agent_that_never_says_ready_times_out);
        ADD("agent-times-out-also-when-nobody-waits", agent_times_out_also_when_nobody_waits);
        ADD("what-an-agent-leaves-behind-is-killed", what_an_agent_leaves_behind_is_killed);
        ADD("agent-that-ignores-SIGTERM-is-killed-when-its-time-is-up",
                agent_that_ignores_sigterm_is_killed_when_its_time_is_up);
        ADD("stop-can-be-hurried", stop_can_be_hurried);
        ADD("agent-that-closes-its-notify-socket-is-ready", agent_that_closes_its_notify_socket_is_ready);
        ADD("ready-from-another-scope-does-not-count", ready_from_another_scope_does_not_count);
        ADD("garbage-on-the-notify-socket-is-dropped", garbage_on_the_notify_socket_is_dropped);
        ADD("flood-of-bad-notifications-does-not-fill-the-journal",
                flood_of_bad_notifications_does_not_fill_the_journal);
        ADD("flood-of-status-is-told-as-few-changes", flood_of_status_is_told_as_few_changes);
        ADD("ready-and-exit-are-both-seen", ready_and_exit_are_both_seen);
        ADD("ten-MiB-without-a-newline-hurt-nobody", ten_mib_without_a_newline_hurt_nobody);
        ADD("thousand-messages-at-once-are-all-read", thousand_messages_at_once_are_all_read);
        ADD("flood-does-not-keep-others-out", flood_does_not_keep_others_out);
        ADD("barrier-is-answered", barrier_is_answered);
        ADD("other-main-pid-is-ignored", other_main_pid_is_ignored);
        ADD("agent-may-say-that-it-is-stopping", agent_may_say_that_it_is_stopping);
        ADD("end-that-cannot-be-written-down-is-written-when-it-can",
                end_that_cannot_be_written_down_is_written_when_it_can);
#undef ADD

        return host_tests_run();
}
