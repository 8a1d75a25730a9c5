/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* WatchdogSec= and what agents say of their times: WATCHDOG=, WATCHDOG_USEC=, EXTEND_TIMEOUT_USEC=; and the
 * watchdog of agenthostd. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define AGENTHOSTD "agenthostd.service"
#define RUNTIME "test-watched"
#define PATIENT "StartTimeoutSec=1h\n"
#define AN_HOUR "notify=EXTEND_TIMEOUT_USEC=3600000000"

static Client *begin(const char *actions, const char *settings)
{
        runtime_add(RUNTIME, "notify", actions, settings);
        return agents_begin();
}

static void create_ready(Client *c)
{
        create(c, &(Create){ .id = "a1", .runtime = RUNTIME, .wait = "ready" });
}

/* Longer than the times that the settings of a test name: what is to show is that nothing happens. */
static void outlast(unsigned msec)
{
        g_usleep(msec * 1000);
}

static void test_silent_agent_is_aborted(void)
{
        _cleanup_client_ Client *c = begin("ready wait", PATIENT "WatchdogSec=200ms");

        create_ready(c);
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "watchdog");
}

static void test_missed_watchdog_is_a_failure_that_restarts(void)
{
        _cleanup_client_ Client *c =
                begin("ready wait", PATIENT "WatchdogSec=200ms\nRestart=on-failure\nRestartSec=10ms");

        create_ready(c);
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        client_wait_property(c, MANAGER, "AgentCount", "0");
}

static void test_agent_that_speaks_lives(void)
{
        _cleanup_client_ Client *c = begin("ready pets=60 exit=9", PATIENT "WatchdogSec=3s");

        create_ready(c);
        agent_wait_end(c, "a1", "exit-code", 9);
}

static void test_agent_that_ignores_the_abort_is_killed(void)
{
        _cleanup_client_ Client *c =
                begin("ignore=6 ignore-term ready wait", PATIENT "WatchdogSec=100ms\nStopTimeoutSec=300ms");

        create_ready(c);
        agent_wait_end(c, "a1", "watchdog", SIGKILL);
        agent_expect(c, "a1", "State", "failed");
        expect_number("processes", 0, agent_process_count());
}

static void test_killing_goes_on_after_a_crash(void)
{
        _cleanup_client_ Client *c =
                begin("ignore=6 ready wait", PATIENT "WatchdogSec=100ms\nStopTimeoutSec=2s");

        create_ready(c);
        agent_wait(c, "a1", "State", "stopping");
        agenthostd_crash();
        agent_wait(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "watchdog");
}

static void test_stop_during_the_abort_is_a_requested_one(void)
{
        _cleanup_client_ Client *c = begin("ignore=6 ready wait",
                PATIENT "WatchdogSec=100ms\nStopTimeoutSec=1h\nRestart=always\nRestartSec=1ms");

        create_ready(c);
        agent_wait(c, "a1", "State", "stopping");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_false("agent is known", agent_is_known(c, "a1"));
}

static void test_agent_can_trigger_it(void)
{
        _cleanup_client_ Client *c = begin("ready notify=WATCHDOG=trigger wait", PATIENT);

        create_ready(c);
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
}

static void test_agent_can_change_it(void)
{
        _cleanup_client_ Client *c =
                begin("ready notify=WATCHDOG_USEC=200000 wait", PATIENT "WatchdogSec=1h");

        create_ready(c);
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
}

static void test_bad_values_are_named_and_change_nothing(void)
{
        _cleanup_client_ Client *c = begin(
                "ready notify=WATCHDOG_USEC=soon notify=EXTEND_TIMEOUT_USEC=-1 status=said wait", PATIENT);

        create_ready(c);
        agent_wait(c, "a1", "StatusText", "said");
        expect_true("journal", journal_has("agenthostd.service", "sent WATCHDOG_USEC=soon, which is not"));
        expect_true(
                "journal", journal_has("agenthostd.service", "sent EXTEND_TIMEOUT_USEC=-1, which is not"));
        agent_expect(c, "a1", "State", "running");
}

static void test_frozen_agent_need_not_speak(void)
{
        _cleanup_client_ Client *c = begin("ready wait", PATIENT "WatchdogSec=2s");
        _cleanup_free_ char *path = agent_path("a1");

        create_ready(c);
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Freeze", ""));
        outlast(2600);
        agent_expect(c, "a1", "State", "frozen");
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Thaw", ""));
        agent_wait_end(c, "a1", "watchdog", SIGABRT);
}

static void test_watchdog_begins_anew_after_a_crash(void)
{
        _cleanup_client_ Client *c = begin("ready wait", PATIENT "WatchdogSec=3s");

        create_ready(c);
        agenthostd_crash();
        agent_expect(c, "a1", "State", "running");
        agent_wait(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Result", "watchdog");
}

static void test_start_can_be_extended(void)
{
        _cleanup_client_ Client *c = begin(AN_HOUR " status=waiting wait ready wait", "StartTimeoutSec=3s");

        create(c, &(Create){ .id = "a1", .runtime = RUNTIME });
        agent_wait(c, "a1", "StatusText", "waiting");
        outlast(3500);
        agent_expect(c, "a1", "State", "starting");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait(c, "a1", "State", "running");
}

static void test_watchdog_can_be_extended(void)
{
        _cleanup_client_ Client *c =
                begin("ready " AN_HOUR " status=said wait exit=9", PATIENT "WatchdogSec=3s");

        create_ready(c);
        agent_wait(c, "a1", "StatusText", "said");
        outlast(3500);
        agent_expect(c, "a1", "State", "running");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 9);
}

static void test_stop_can_be_extended(void)
{
        _cleanup_client_ Client *c =
                begin("ready wait-term " AN_HOUR " status=stopping wait", PATIENT "StopTimeoutSec=3s");
        Call *stop;

        create_ready(c);
        stop = client_send(c, MANAGER, "StopAgent", "su", "a1", 0u);
        agent_wait(c, "a1", "StatusText", "stopping");
        outlast(3500);
        agent_expect(c, "a1", "State", "stopping");
        agent_signal(c, "a1", SIGUSR1);
        sd_bus_message_unref(call_success(stop));
        agent_wait_end(c, "a1", "success", 0);
}

static void test_time_that_the_caller_gave_cannot_be_extended(void)
{
        _cleanup_client_ Client *c =
                begin("ready wait-term " AN_HOUR " status=stopping wait", PATIENT "StopTimeoutSec=1h");

        create_ready(c);
        expect_true("StopAgent", agent_stop(c, "a1", 1));
        agent_wait_end(c, "a1", "success", SIGKILL);
}

static void test_agenthostd_has_one_itself(void)
{
        g_autofree char *usec = systemctl("show --property=WatchdogUSec --value " AGENTHOSTD);

        expect_text("WatchdogUSec", "3min", g_strstrip(usec));
}

/* agenthostd says so after half of it, or a little more: on a busy machine it can be late. */
#define PERIOD_SEC 3

static Client *begin_with_impatient_systemd(void)
{
        Client *c = agents_begin();

        unit_write(AGENTHOSTD, "[Service]\nWatchdogSec=" G_STRINGIFY(PERIOD_SEC) "\n");
        g_free(systemctl("restart " AGENTHOSTD));
        return c;
}

static uint64_t service_number(const char *property)
{
        g_autofree char *text = systemctl("show --property=%s --value " AGENTHOSTD, property);

        return g_ascii_strtoull(text, NULL, 10);
}

/* No signal of systemd tells of these. */
static void wait_above(const char *property, uint64_t bound)
{
        while (service_number(property) <= bound)
                g_usleep(50 * 1000);
}

static void test_agenthostd_with_nothing_to_do_is_not_taken_for_dead(void)
{
        static const char heard[] = "WatchdogTimestampMonotonic";
        _cleanup_client_ Client *c = begin_with_impatient_systemd();
        pid_t pid = service_pid(AGENTHOSTD);

        wait_above(heard, service_number(heard) + 2 * PERIOD_SEC * G_USEC_PER_SEC);
        expect_number("the same process", pid, service_pid(AGENTHOSTD));
}

static void test_halted_agenthostd_is_killed_and_comes_back_with_all_agents(void)
{
        _cleanup_client_ Client *c = begin_with_impatient_systemd();
        pid_t a1 = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        pid_t a2 = create(c, &(Create){ .id = "a2" }), halted = service_pid(AGENTHOSTD);
        g_autofree char *invocation = systemctl("show --property=InvocationID --value " AGENTHOSTD);
        g_autofree char *log = NULL;

        kill(halted, SIGSTOP);
        process_wait_end(halted);
        wait_above("NRestarts", 0);
        fleet_wait(c, "a1 a2", "a1 a2");
        expect_true("a1 is the same process", process_is_alive(a1));
        expect_true("a2 is the same process", process_is_alive(a2));

        g_free(command("journalctl --sync"));
        log = command("journalctl --quiet --output=cat UNIT=" AGENTHOSTD " INVOCATION_ID=%s",
                g_strstrip(invocation));
        expect_part("what systemd says", "Watchdog timeout", log);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/watchdog/" name, test_##function)
        ADD("silent-agent-is-aborted", silent_agent_is_aborted);
        ADD("missed-watchdog-is-a-failure-that-restarts", missed_watchdog_is_a_failure_that_restarts);
        ADD("agent-that-speaks-lives", agent_that_speaks_lives);
        ADD("agent-that-ignores-the-abort-is-killed", agent_that_ignores_the_abort_is_killed);
        ADD("killing-goes-on-after-a-crash", killing_goes_on_after_a_crash);
        ADD("stop-during-the-abort-is-a-requested-one", stop_during_the_abort_is_a_requested_one);
        ADD("agent-can-trigger-it", agent_can_trigger_it);
        ADD("agent-can-change-it", agent_can_change_it);
        ADD("bad-values-are-named-and-change-nothing", bad_values_are_named_and_change_nothing);
        ADD("frozen-agent-need-not-speak", frozen_agent_need_not_speak);
        ADD("watchdog-begins-anew-after-a-crash", watchdog_begins_anew_after_a_crash);
        ADD("start-can-be-extended", start_can_be_extended);
        ADD("watchdog-can-be-extended", watchdog_can_be_extended);
        ADD("stop-can-be-extended", stop_can_be_extended);
        ADD("time-that-the-caller-gave-cannot-be-extended", time_that_the_caller_gave_cannot_be_extended);
        ADD("agenthostd-has-one-itself", agenthostd_has_one_itself);
        ADD("agenthostd-with-nothing-to-do-is-not-taken-for-dead",
                agenthostd_with_nothing_to_do_is_not_taken_for_dead);
        ADD("halted-agenthostd-is-killed-and-comes-back-with-all-agents",
                halted_agenthostd_is_killed_and_comes_back_with_all_agents);
#undef ADD

        return host_tests_run();
}
