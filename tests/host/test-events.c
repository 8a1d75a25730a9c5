/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to agents is told in the journal, in a form that programs can read: an id for each kind of
 * event, which never changes, and fields. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

#define LAUNCHED "e236866e314d49d8b952c47ad6ff82c6"
#define READY "01833dfb54dc4d0195df458b69d151c7"
#define ENDED "d6f36b74bd4343beb0702fa252773038"
#define START_FAILED "0032fc9cd853495d8beac1e8fd32efca"
#define RESTARTING "1e8072b5f74449cb8aa6ded3f287e8f7"
#define GIVEN_UP "c7f91540c0fa4a1abc73378f42c39dae"
#define STOPPING "c83555ce719d47dda06127379040580f"
#define NOT_RESTARTED "3fad2aae49584032ae188e314752022c"
#define FROZEN "7fe0ac1c45ae4171b87f21b4538b8ef1"
#define THAWED "f806c72a316c4703826e26394ca02373"
#define WATCHDOG "cabcd657787a47ac848d20fb38a09272"
#define HOST_READY "2559074f72fe41bc97a6577308851490"
#define HOST_STOPPING "11dbeac12df34b11977a979c97b92f9c"
#define LAUNCHER_AWAY "c4606093a2184ee9a6ceb8f3f3b2f060"

/* The journal's own field, of the unit that a line comes from. */
static const char *unit_of_line(void)
{
        return mode_is_user() ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT";
}

/* The field of the unit that a line is about. */
static const char *unit_of_subject(void)
{
        return mode_is_user() ? "USER_UNIT" : "UNIT";
}

/* The fields of the last such event, a line each. "" if there was none. */
static char *last_event(const char *match)
{
        g_free(mode_command_as_root("journalctl --sync"));
        return command("journalctl --quiet --no-pager --output=export --lines=1 %s=" AGENTHOSTD " %s",
                unit_of_line(), match);
}

static void expect_field(const char *event, const char *name, const char *value)
{
        g_autofree char *line = g_strdup_printf("\n%s=%s\n", name, value);

        expect_part(name, line, event);
}

static void expect_no_field(const char *event, const char *name)
{
        g_autofree char *start = g_strdup_printf("\n%s=", name);

        expect_true(name, !strstr(event, start));
}

/* Of an agent of guild "g". result: NULL for one that has not ended. */
static void expect_event(const char *message_id, const char *id, const char *result, const char *exit_status)
{
        g_autofree char *match = g_strdup_printf("MESSAGE_ID=%s AGENT_ID=%s", message_id, id);
        g_autofree char *event = last_event(match);
        _cleanup_free_ char *unit = agent_unit(id);

        expect_field(event, "GUILD_ID", "g");
        expect_field(event, unit_of_subject(), unit);
        if (result) {
                expect_field(event, "RESULT", result);
                expect_field(event, "EXIT_STATUS", exit_status);
        } else {
                expect_no_field(event, "RESULT");
                expect_no_field(event, "EXIT_STATUS");
        }
}

static void call_method(Client *c, const char *id, const char *method)
{
        _cleanup_free_ char *path = agent_path(id);

        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, method, ""));
}

static void test_start_and_end_are_events(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "event-1", .runtime = NOTIFY, .wait = "ready" });
        expect_event(READY, "event-1", NULL, NULL);
        agent_signal(c, "event-1", SIGKILL);
        agent_wait_end(c, "event-1", "signal", SIGKILL);
        expect_event(ENDED, "event-1", "signal", "9");
}

static void test_requested_end_is_an_event(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "event-2", .runtime = NOTIFY, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "event-2", 0));
        expect_event(ENDED, "event-2", "success", "0");
}

static void test_failed_start_is_an_event(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_write(
                "test-gone", "[Runtime]\nExec=/run/agenthost-tests/no-such-program\n%s", runtime_user());
        c = agents_begin();
        create_expect_error(
                c, &(Create){ .id = "event-3", .runtime = "test-gone" }, ERROR_("StartFailed"), NULL);
        expect_event(START_FAILED, "event-3", "resources", "-1");
}

/* Not how it ended before. */
static void test_failed_restart_is_an_event(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-once", "exec", "wait exit=3", "Restart=always\nRestartSec=1ms\nRestartMaxSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "event-12", .runtime = "test-once" });
        runtime_write("test-once",
                "[Runtime]\nExec=/run/agenthost-tests/no-such-program\nRestart=always\n%s", runtime_user());
        host_reload();
        agent_signal(c, "event-12", SIGKILL);
        agent_wait(c, "event-12", "Result", "resources");
        expect_event(START_FAILED, "event-12", "resources", "-1");
}

static void test_launch_and_stop_are_events_where_one_asks_for_details(void)
{
        _cleanup_client_ Client *c = NULL;

        unit_write(AGENTHOSTD, "[Service]\nEnvironment=LOG_LEVEL=debug\n");
        g_free(systemctl("restart " AGENTHOSTD));
        c = agents_begin();
        create(c, &(Create){ .id = "event-4", .runtime = NOTIFY, .wait = "ready" });
        expect_event(LAUNCHED, "event-4", NULL, NULL);
        expect_true("StopAgent", agent_stop(c, "event-4", 0));
        expect_event(STOPPING, "event-4", NULL, NULL);
}

/* systemd's lines about the scope are all that there is otherwise. */
static void test_launch_and_stop_are_events_where_all_are_wanted(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *quiet = NULL, *units = NULL;

        create(c, &(Create){ .id = "event-10", .runtime = NOTIFY, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "event-10", 0));
        quiet = last_event("AGENT_ID=event-10 MESSAGE_ID=" LAUNCHED " MESSAGE_ID=" STOPPING);
        expect_text("events", "", quiet);
        units = command("journalctl --quiet --no-pager --output=cat _COMM=systemd "
                        "'%s=agent-event\\x2d10.scope'",
                unit_of_subject());
        expect_part("systemd, started", "Started ", units);
        /* The first is said of one that has ended young, whose empty scope the launcher has stopped. */
        expect_true(
                "systemd, stopped", strstr(units, "Stopped ") || strstr(units, "Deactivated successfully"));

        config_write("[Host]\nLogAllEvents=yes\n");
        host_reload();
        create(c, &(Create){ .id = "event-11", .runtime = NOTIFY, .wait = "ready" });
        expect_event(LAUNCHED, "event-11", NULL, NULL);
        expect_true("StopAgent", agent_stop(c, "event-11", 0));
        expect_event(STOPPING, "event-11", NULL, NULL);
}

static void test_freezing_and_thawing_are_events(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "event-5", .runtime = NOTIFY, .wait = "ready" });
        call_method(c, "event-5", "Freeze");
        expect_event(FROZEN, "event-5", NULL, NULL);
        call_method(c, "event-5", "Thaw");
        expect_event(THAWED, "event-5", NULL, NULL);
}

static void test_restarts_are_events_and_so_is_a_stop_that_prevents_one(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-again", "exec", "exit=3", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        c = agents_begin();
        create(c, &(Create){ .id = "event-6", .runtime = "test-again" });
        agent_wait(c, "event-6", "State", "restarting");
        expect_event(RESTARTING, "event-6", "exit-code", "3");
        expect_true("StopAgent", agent_stop(c, "event-6", 0));
        expect_event(NOT_RESTARTED, "event-6", "exit-code", "3");
}

static void test_giving_up_is_an_event(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-leaves", "exec", "wait exit=3", "Restart=always\nRestartSec=1ms");
        c = agents_begin();
        create(c, &(Create){ .id = "event-7", .runtime = "test-leaves" });
        runtime_remove("test-leaves");
        host_reload();
        agent_signal(c, "event-7", SIGKILL);
        agent_wait(c, "event-7", "Result", "start-limit-hit");
        expect_event(GIVEN_UP, "event-7", "start-limit-hit", "9");
}

static void test_missed_watchdog_is_an_event(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-silence", "notify", "ready wait", "WatchdogSec=200ms");
        c = agents_begin();
        create(c, &(Create){ .id = "event-8", .runtime = "test-silence", .wait = "ready" });
        agent_wait_end(c, "event-8", "watchdog", SIGABRT);
        expect_event(WATCHDOG, "event-8", NULL, NULL);
        expect_event(ENDED, "event-8", "watchdog", "6");
}

/* The cursor of the last such event, to be told from a later one. */
static char *cursor_of(const char *message_id)
{
        g_autofree char *match = g_strdup_printf("MESSAGE_ID=%s", message_id);
        g_autofree char *event = last_event(match);
        const char *end = strchr(event, '\n');

        return g_strndup(event, end ? (size_t)(end - event) : 0);
}

static void expect_new_event(const char *message_id, const char *before)
{
        g_autofree char *now = cursor_of(message_id);

        expect_true(message_id, now[0] != '\0' && strcmp(now, before) != 0);
}

static void test_what_happens_to_the_services_is_told_likewise(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *ready = cursor_of(HOST_READY), *stopping = cursor_of(HOST_STOPPING),
                        *away = cursor_of(LAUNCHER_AWAY);

        g_free(systemctl("restart " AGENTHOSTD));
        expect_new_event(HOST_STOPPING, stopping);
        expect_new_event(HOST_READY, ready);
        launcher_crash();
        expect_new_event(LAUNCHER_AWAY, away);
}

/* As agenthostd(8) says it. The id is another one in each mode: the journal may have lines of both. */
static void test_one_call_shows_what_is_said_of_an_agent_and_what_it_says(void)
{
        const char *id = mode_is_user() ? "event_9_user" : "event_9";
        _cleanup_client_ Client *c = NULL;
        g_autofree char *lines = NULL, *ready = g_strdup_printf("Agent %s is ready", id);

        runtime_add("test-speaks", "notify", "log=20 ready wait", NULL);
        c = agents_begin();
        create(c, &(Create){ .id = id, .runtime = "test-speaks", .wait = "ready" });
        /* A user's journal knows whose lines they are while the agent is there. */
        g_free(mode_command_as_root("journalctl --sync"));
        agent_signal(c, id, SIGTERM);
        agent_wait_end(c, id, "success", 0);
        g_free(mode_command_as_root("journalctl --sync"));
        lines = command("journalctl --quiet --no-pager --output=short AGENT_ID=%s + %s=agent-%s.scope", id,
                unit_of_line(), id);
        expect_part("lines of agenthostd", ready, lines);
        expect_part("lines of the agent", " agent[", lines);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/events/" name, test_##function)
        ADD("start-and-end-are-events", start_and_end_are_events);
        ADD("requested-end-is-an-event", requested_end_is_an_event);
        ADD("failed-start-is-an-event", failed_start_is_an_event);
        ADD("failed-restart-is-an-event", failed_restart_is_an_event);
        ADD("launch-and-stop-are-events-where-one-asks-for-details",
                launch_and_stop_are_events_where_one_asks_for_details);
        ADD("launch-and-stop-are-events-where-all-are-wanted",
                launch_and_stop_are_events_where_all_are_wanted);
        ADD("freezing-and-thawing-are-events", freezing_and_thawing_are_events);
        ADD("restarts-are-events-and-so-is-a-stop-that-prevents-one",
                restarts_are_events_and_so_is_a_stop_that_prevents_one);
        ADD("giving-up-is-an-event", giving_up_is_an_event);
        ADD("missed-watchdog-is-an-event", missed_watchdog_is_an_event);
        ADD("what-happens-to-the-services-is-told-likewise", what_happens_to_the_services_is_told_likewise);
        ADD("one-call-shows-what-is-said-of-an-agent-and-what-it-says",
                one_call_shows_what_is_said_of_an_agent_and_what_it_says);
#undef ADD

        return host_tests_run();
}
