/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An agent that ends without having been asked to is started again as its runtime, or who created it, wants;
 * so is one whose Restart() is called. What happens to that when our services die is in
 * test-supervision-crash.c. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"
#include "time-util.h"

/* As runtimes. At SIGUSR1 their agents exit with 3; at SIGTERM with 0. */
#define ON_FAILURE "test-on-failure"
#define ALWAYS "test-always"
#define NEVER "test-never"
#define PATIENT "test-patient" /* always, after an hour */

#define ACTIONS "ready wait exit=3"
#define QUICK "StartTimeoutSec=1h\nRestartSec=10ms\nRestartMaxSec=50ms\n"

static Client *begin(void)
{
        runtime_add(ON_FAILURE, "notify", ACTIONS, QUICK "Restart=on-failure");
        runtime_add(ALWAYS, "notify", ACTIONS, QUICK "Restart=always");
        runtime_add(NEVER, "notify", ACTIONS, QUICK);
        runtime_add(PATIENT, "notify", ACTIONS,
                "StartTimeoutSec=1h\nRestart=always\nRestartSec=1h\nRestartMaxSec=1h");
        return agents_begin();
}

static void create_ready(Client *c, const char *id, const char *runtime)
{
        create(c, &(Create){ .id = id, .runtime = runtime, .wait = "ready" });
}

static void expect_restarts(Client *c, const char *id, const char *number)
{
        agent_wait(c, id, "Restarts", number);
        agent_wait(c, id, "State", "running");
}

static void expect_restarting(Client *c, const char *id)
{
        agent_wait(c, id, "State", "restarting");
        agent_expect(c, id, "MainPID", "0");
        agent_expect(c, id, "Alive", "false");
}

static void test_failure_is_started_again_as_the_same_object(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = NULL, *after = NULL, *signals = NULL;
        g_auto(GStrv) list = NULL;

        create_ready(c, "a1", ON_FAILURE);
        before = agent_property(c, "a1", "MainPID");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        expect_restarts(c, "a1", "1");

        after = agent_property(c, "a1", "MainPID");
        expect_false("the same process", strcmp(before, after) == 0);
        agent_expect(c, "a1", "Result", "success");
        agent_expect(c, "a1", "ExitStatus", "0");
        agent_expect(c, "a1", "ExitedAt", "0");
        agent_expect(c, "a1", "NextStartAt", "0");
        agent_expect(c, "a1", "Alive", "true");
        client_expect_property(c, MANAGER, "AgentCount", "1");
        expect_number("processes", 1, agent_process_count());

        list = client_list_signals(c);
        signals = g_strjoinv(" ", list);
        expect_part("signals", "AgentAdded a1", signals);
        expect_false("AgentRemoved", strstr(signals, "AgentRemoved"));

        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_restarts(c, "a1", "2");
}

static void test_success_is_no_failure(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "failure", ON_FAILURE);
        create_ready(c, "always", ALWAYS);
        agent_signal(c, "failure", SIGTERM);
        agent_signal(c, "always", SIGTERM);
        agent_wait_end(c, "failure", "success", 0);
        agent_wait_end(c, "always", "success", 0);
        expect_restarts(c, "always", "1");
        agent_expect(c, "failure", "State", "exited");
        agent_expect(c, "failure", "Restarts", "0");
        agent_expect(c, "failure", "NextStartAt", "0");
}

static void test_without_the_setting_nothing_is_started_again(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "a1", NEVER);
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        agent_expect(c, "a1", "State", "exited");
        agent_expect(c, "a1", "NextStartAt", "0");
}

static void test_option_wins_over_the_runtime(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "no", .runtime = ALWAYS, .wait = "ready", .restart = "no" });
        create(c, &(Create){ .id = "yes", .runtime = NEVER, .wait = "ready", .restart = "on-failure" });
        agent_signal(c, "no", SIGUSR1);
        agent_signal(c, "yes", SIGUSR1);
        agent_wait_end(c, "no", "exit-code", 3);
        agent_wait_end(c, "yes", "exit-code", 3);
        expect_restarts(c, "yes", "1");
        agent_expect(c, "no", "State", "exited");
        create_expect_error(c, &(Create){ .id = "bad", .runtime = NEVER, .restart = "sometimes" },
                INVALID_ARGS, "'no', 'on-failure' or 'always'");
}

/* Of one PropertiesChanged, as "Name=value Name=value". */
static uint64_t number_in(const char *changed, const char *name)
{
        g_autofree char *key = g_strconcat(name, "=", NULL);
        const char *at = strstr(changed, key);

        expect_true(name, at != NULL);
        return g_ascii_strtoull(at + strlen(key), NULL, 10);
}

static void test_waits_grow(void)
{
        _cleanup_client_ Client *c = NULL;
        _cleanup_free_ char *path = agent_path("a1");
        uint64_t least = 50 * USEC_PER_MSEC;

        runtime_add("test-ends", "exec", "exit=1", "Restart=always\nRestartSec=50ms");
        c = begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-ends" });
        for (unsigned i = 0; i < 5; i++, least *= 2) {
                g_autofree char *changed = NULL;
                uint64_t ended, next;

                /* That of an end has this, and only it. */
                do {
                        g_free(changed);
                        changed = client_wait_changed(c, path, AGENT_INTERFACE, "NextStartAt");
                } while (!strstr(changed, "State=restarting"));
                ended = number_in(changed, "ExitedAt");
                next = number_in(changed, "NextStartAt");
                if (next < ended + least)
                        fail("wait number %u: expected at least %" PRIu64 " us, got %" PRIu64, i + 1, least,
                                next - ended);
        }
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_one_that_waits_is_there_but_for_its_process(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *list = NULL;

        config_write("[Host]\nMaxAgents=1\n");
        c = begin();
        create_ready(c, "a1", PATIENT);
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        expect_restarting(c, "a1");
        agent_expect(c, "a1", "Result", "exit-code");
        agent_expect(c, "a1", "ExitStatus", "3");
        agent_expect(c, "a1", "Restarts", "0");

        list = agent_list(c, "");
        expect_text("ListAgents", "a1", list);
        client_expect_property(c, MANAGER, "AgentCount", "1");
        create_expect_error(c, &(Create){ .id = "a2" }, ERROR_("LimitReached"), "(1)");
        config_write("[Host]\nMaxAgents=2\n");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"), "a1");
}

static void expect_gone(Client *c, const char *id)
{
        g_auto(GStrv) files = NULL, scopes = NULL;

        expect_false("agent is known", agent_is_known(c, id));
        files = state_list();
        scopes = scope_list();
        expect_number("state files", 0, g_strv_length(files));
        expect_number("scopes", 0, g_strv_length(scopes));
        client_wait_property(c, MANAGER, "AgentCount", "0");
}

static void test_stop_ends_the_waiting_at_once(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "a1", PATIENT);
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        expect_restarting(c, "a1");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        expect_gone(c, "a1");
        create(c, &(Create){ .id = "a1" });
}

static void test_requested_stop_is_the_end(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *unit = agent_unit("by-administrator");

        create_ready(c, "by-us", ALWAYS);
        expect_true("StopAgent", agent_stop(c, "by-us", 0));
        expect_false("agent is known", agent_is_known(c, "by-us"));

        create_ready(c, "by-administrator", ALWAYS);
        g_free(command("systemctl stop '%s'", unit));
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "by-administrator"));
        expect_gone(c, "by-administrator");
}

static void test_creation_that_fails_leaves_nothing_restarting(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-ends", "notify", "exit=4", QUICK "Restart=always");
        runtime_add("test-late", "notify", "wait", "StartTimeoutSec=100ms\nRestart=always\nRestartSec=1ms");
        c = begin();
        create_expect_error(c, &(Create){ .id = "ends", .runtime = "test-ends", .wait = "ready" },
                ERROR_("StartFailed"), "status 4");
        create_expect_error(c, &(Create){ .id = "late", .runtime = "test-late", .wait = "ready" },
                ERROR_("StartTimeout"), "late");
        agent_expect(c, "ends", "State", "exited");
        agent_expect(c, "late", "Result", "timeout");
        agent_expect(c, "ends", "NextStartAt", "0");
        agent_expect(c, "late", "NextStartAt", "0");
        client_wait_property(c, MANAGER, "AgentCount", "0");
        expect_number("processes", 0, agent_process_count());
}

static void test_start_that_takes_too_long_is_a_failure(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add(
                "test-late", "notify", "wait", "StartTimeoutSec=100ms\nRestart=on-failure\nRestartSec=1ms");
        c = begin();
        create(c, &(Create){ .id = "a1", .runtime = "test-late" });
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_message_ sd_bus_message *m = client_take_signal(c, "AgentExited", "a1");
                const char *result;

                must(sd_bus_message_read(m, "sos", NULL, NULL, &result), "reading AgentExited");
                expect_text("result", "timeout", result);
        }
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* At most ten a second, so the eleventh is a second behind the first at least. */
static void test_host_restarts_no_more_than_ten_a_second(void)
{
        _cleanup_client_ Client *c = begin();
        uint64_t killed_at, latest = 0;

        for (unsigned i = 0; i < 12; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                create_ready(c, id, ALWAYS);
        }
        killed_at = now_usec(CLOCK_REALTIME);
        for (unsigned i = 0; i < 12; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                agent_signal(c, id, SIGKILL);
        }
        for (unsigned i = 0; i < 12; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i), *ready_at = NULL;

                expect_restarts(c, id, "1");
                ready_at = agent_property(c, id, "ReadyAt");
                latest = MAX(latest, g_ascii_strtoull(ready_at, NULL, 10));
        }
        expect_true("the last has waited for its turn", latest >= killed_at + USEC_PER_SEC);
}

static void delete_runtime(const char *name)
{
        g_free(command("rm " RUNTIMES_DIR "/%s.runtime", name));
        host_reload();
}

static void test_without_its_runtime_it_is_given_up(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_free_ char *path = agent_path("a1");

        create_ready(c, "a1", PATIENT);
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        delete_runtime(PATIENT);
        call_expect_error(
                client_send(c, path, AGENT_INTERFACE, "Restart", ""), ERROR_("NoSuchRuntime"), PATIENT);
        agent_wait_end(c, "a1", "start-limit-hit", 3);
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "NextStartAt", "0");
        client_wait_property(c, MANAGER, "AgentCount", "0");
        create(c, &(Create){ .id = "a1" });
}

static void test_start_that_fails_is_tried_again_until_it_works(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "a1", ALWAYS);
        runtime_write(ALWAYS,
                "[Runtime]\nType=notify\nUser=" AGENT_USER "\nExec=/nonexistent\n" QUICK "Restart=always\n");
        host_reload();
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 3);
        agent_wait(c, "a1", "Result", "resources");
        agent_expect(c, "a1", "State", "restarting");

        runtime_add(ALWAYS, "notify", ACTIONS, QUICK "Restart=always");
        host_reload();
        agent_wait(c, "a1", "State", "running");
        agent_expect(c, "a1", "Result", "success");
}

static void test_restart_method_does_not_count(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *before = NULL, *after = NULL;

        create_ready(c, "a1", NEVER);
        before = agent_property(c, "a1", "MainPID");
        agent_restart(c, "a1");
        agent_wait_end(c, "a1", "success", 0);
        agent_wait(c, "a1", "State", "running");
        after = agent_property(c, "a1", "MainPID");
        expect_false("the same process", strcmp(before, after) == 0);
        agent_expect(c, "a1", "Restarts", "0");
        expect_number("processes", 1, agent_process_count());
}

static void test_restart_method_starts_what_has_ended_or_waits(void)
{
        _cleanup_client_ Client *c = begin();

        create_ready(c, "ended", NEVER);
        create_ready(c, "waits", PATIENT);
        agent_signal(c, "ended", SIGUSR1);
        agent_signal(c, "waits", SIGUSR1);
        agent_wait_end(c, "ended", "exit-code", 3);
        agent_wait_end(c, "waits", "exit-code", 3);
        agent_restart(c, "ended");
        agent_restart(c, "waits");
        agent_wait(c, "ended", "State", "running");
        agent_wait(c, "waits", "State", "running");
        agent_expect(c, "waits", "Restarts", "0");
        agent_expect(c, "waits", "NextStartAt", "0");
        client_wait_property(c, MANAGER, "AgentCount", "2");
}

static void test_restart_method_refuses_what_is_on_its_way(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_free_ char *path = agent_path("starting"), *stopping = agent_path("stopping");
        Call *creation = create_send(c, &(Create){ .id = "starting", .runtime = SILENT, .wait = "ready" });

        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "starting"));
        call_expect_error(
                client_send(c, path, AGENT_INTERFACE, "Restart", ""), SD_BUS_ERROR_FAILED, "being started");
        agent_let_be_ready(c, "starting");
        sd_bus_message_unref(call_success(creation));

        create_ready(c, "stopping", STUBBORN);
        call_forget(client_send(c, MANAGER, "StopAgent", "su", "stopping", 3600u));
        agent_wait(c, "stopping", "State", "stopping");
        call_expect_error(client_send(c, stopping, AGENT_INTERFACE, "Restart", ""), SD_BUS_ERROR_FAILED,
                "being stopped");
        expect_true("StopAgent", agent_stop(c, "stopping", 1));
}

static void test_stop_wins_over_a_restart(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_free_ char *path = agent_path("a1");
        Call *restart;

        create_ready(c, "a1", STUBBORN);
        restart = client_send(c, path, AGENT_INTERFACE, "Restart", "");
        agent_wait(c, "a1", "State", "stopping");
        expect_true("StopAgent", agent_stop(c, "a1", 1));
        call_expect_error(restart, ERROR_("StartFailed"), "stopped");
        expect_gone(c, "a1");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/supervision/" name, test_##function)
        ADD("failure-is-started-again-as-the-same-object", failure_is_started_again_as_the_same_object);
        ADD("success-is-no-failure", success_is_no_failure);
        ADD("without-the-setting-nothing-is-started-again", without_the_setting_nothing_is_started_again);
        ADD("option-wins-over-the-runtime", option_wins_over_the_runtime);
        ADD("waits-grow", waits_grow);
        ADD("one-that-waits-is-there-but-for-its-process", one_that_waits_is_there_but_for_its_process);
        ADD("stop-ends-the-waiting-at-once", stop_ends_the_waiting_at_once);
        ADD("requested-stop-is-the-end", requested_stop_is_the_end);
        ADD("creation-that-fails-leaves-nothing-restarting", creation_that_fails_leaves_nothing_restarting);
        ADD("start-that-takes-too-long-is-a-failure", start_that_takes_too_long_is_a_failure);
        ADD("host-restarts-no-more-than-ten-a-second", host_restarts_no_more_than_ten_a_second);
        ADD("without-its-runtime-it-is-given-up", without_its_runtime_it_is_given_up);
        ADD("start-that-fails-is-tried-again-until-it-works",
                start_that_fails_is_tried_again_until_it_works);
        ADD("restart-method-does-not-count", restart_method_does_not_count);
        ADD("restart-method-starts-what-has-ended-or-waits", restart_method_starts_what_has_ended_or_waits);
        ADD("restart-method-refuses-what-is-on-its-way", restart_method_refuses_what_is_on_its_way);
        ADD("stop-wins-over-a-restart", stop_wins_over_a_restart);
#undef ADD

        return host_tests_run();
}
