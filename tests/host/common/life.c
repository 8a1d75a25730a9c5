/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "life.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "agents.h"
#include "fleet.h"
#include "host-state.h"
#include "outcome.h"

/* As runtimes. At SIGUSR1 the first exits with 42, the second with 3 and is started again. */
#define ENDING "test-ending"
#define AGAIN "test-again"

/* While this is there, a service stops itself before it starts. */
#define GATE "/run/agenthost-tests/gate"

void life_whole_prepare(const char *service)
{
        (void)service;

        runtime_add(ENDING, "notify", "ready wait exit=42", "StartTimeoutSec=1h");
        runtime_add(AGAIN, "notify", "ready wait exit=3",
                "StartTimeoutSec=1h\nRestart=on-failure\nRestartSec=1ms\nRestartMaxSec=10ms");
}

void life_over_restart_prepare(const char *service)
{
        int length = (int)(strlen(service) - strlen(".service"));
        g_autofree char *text = g_strdup_printf("[Service]\n"
                                                "ExecStart=\n"
                                                "ExecStart=/bin/sh -c '[ ! -e " GATE
                                                " ] || kill -STOP $$$$; exec " LIBEXECDIR "/%.*s'\n",
                length, service);

        life_whole_prepare(service);
        unit_write(service, text);
}

/* The others come of who has died: the last of a bus that has asked systemd for agenthostd, and was told
 * that it has just failed. */
static bool is_expected(const sd_bus_error *e)
{
        return g_str_has_prefix(e->name, ERROR_("")) || g_str_has_prefix(e->name, "System.Error.") ||
                sd_bus_error_has_names(e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED,
                        SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_MEMORY, SD_BUS_ERROR_IO_ERROR) ||
                /* Of Drain. */
                (sd_bus_error_has_name(e, SD_BUS_ERROR_FAILED) &&
                        strstr(e->message, "draining cannot be written below"));
}

static char last_error[256];

/* The call's answer if it worked; NULL: it is to be made again. */
static sd_bus_message *answer_or_again(Call *call)
{
        sd_bus_message *answer = call_answer(call);
        const sd_bus_error *e = sd_bus_message_get_error(answer);

        if (!e)
                return answer;
        if (!is_expected(e))
                fail("expected success, no answer, or an error of ours, got %s: %s", e->name, e->message);
        g_strlcpy(last_error, e->message, sizeof(last_error));
        sd_bus_message_unref(answer);
        g_usleep(10 * 1000);
        return NULL;
}

static void expect_time_left(gint64 since, const char *what)
{
        if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                fail("%s: asked for again and again for %d s; the last error: %s", what, LIMIT_SEC,
                        last_error);
}

static void insist_on_create(Client *c, const char *id, const char *runtime)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_message_ sd_bus_message *answer = NULL;

        while (!answer) {
                expect_time_left(since, "CreateAgent");
                answer = answer_or_again(create_send(
                        c, &(Create){ .id = id, .runtime = runtime, .wait = "ready", .request_id = id }));
        }
}

static void insist_on_stop(Client *c, const char *id)
{
        gint64 since = g_get_monotonic_time();
        bool asked_before = false;

        for (;;) {
                _cleanup_message_ sd_bus_message *answer =
                        answer_or_again(client_send(c, MANAGER, "StopAgent", "su", id, 0u));
                int stopped;

                if (answer) {
                        must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
                        expect_true("stopped, or known no more", stopped || asked_before);
                        return;
                }
                expect_time_left(since, "StopAgent");
                asked_before = true;
        }
}

static void insist_on_forgetting(Client *c)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_message_ sd_bus_message *answer = NULL;

        while (!answer) {
                expect_time_left(since, "CleanupDeadAgents");
                answer = answer_or_again(client_send(c, MANAGER, "CleanupDeadAgents", ""));
        }
}

/* What has happened swallows signals perhaps. */
static void wait_for(Client *c, const char *id, const char *property, const char *expected)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, property);

                if (g_strcmp0(value, expected) == 0)
                        return;
                if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                        fail("%s of %s: expected %s, got %s", property, id, expected,
                                value ? value : "nothing");
                g_usleep(5 * 1000);
        }
}

static pid_t pid_of(Client *c, const char *id)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, "MainPID");

                if (value && atoi(value) > 0)
                        return atoi(value);
                expect_time_left(since, "MainPID");
                g_usleep(5 * 1000);
        }
}

static void wait_end(Client *c, const char *id, int status)
{
        g_autofree char *text = g_strdup_printf("%d", status);

        if (kernel_tells_exits()) {
                wait_for(c, id, "State", "exited");
                wait_for(c, id, "ExitStatus", text);
        } else
                wait_for(c, id, "Alive", "false");
}

static void end_and_wait_for_restart(Client *c, const char *id)
{
        pid_t before = pid_of(c, id), now;
        gint64 since = g_get_monotonic_time();

        kill(before, SIGUSR1);
        process_wait_end(before);
        do {
                expect_time_left(since, "the restart");
                wait_for(c, id, "State", "running");
                now = pid_of(c, id);
        } while (now == before);
}

void life_whole(Client *c, const char *service, Tracer *tracer)
{
        tracer_attach(tracer, service_pid(service));
        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", ENDING);
        insist_on_create(c, "a3", AGAIN);
        kill(pid_of(c, "a2"), SIGUSR1);
        wait_end(c, "a2", 42);
        end_and_wait_for_restart(c, "a3");
        expect_true("a1 runs on", process_is_alive(pid_of(c, "a1")));
        fleet_wait(c, "a1 a2 a3", "a1 a3");

        insist_on_stop(c, "a3");
        insist_on_stop(c, "a1");
        fleet_wait(c, "a2", "");
        insist_on_forgetting(c);
        fleet_wait(c, "", "");
}

static void insist_on(Client *c, const char *member, const char *types, bool stop_agents)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_message_ sd_bus_message *answer = NULL;

        while (!answer) {
                expect_time_left(since, member);
                answer = answer_or_again(client_send(c, MANAGER, member, types, stop_agents, 0u));
        }
}

static void wait_for_draining(Client *c, const char *expected)
{
        gint64 since = g_get_monotonic_time();

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, MANAGER, "Draining");

                if (value) {
                        expect_text("Draining", expected, value);
                        return;
                }
                expect_time_left(since, "Draining");
                g_usleep(5 * 1000);
        }
}

void life_drained(Client *c, const char *service, Tracer *tracer)
{
        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", AGAIN);
        tracer_attach(tracer, service_pid(service));
        insist_on(c, "Drain", "bu", true);
        wait_for_draining(c, "true");
        fleet_wait(c, "", "");
        insist_on(c, "Resume", "", false);
        wait_for_draining(c, "false");
        insist_on_create(c, "a3", NOTIFY);
        fleet_wait(c, "a3", "a3");
        insist_on_stop(c, "a3");
        fleet_wait(c, "", "");
}

static pid_t wait_stopped(const char *service)
{
        gint64 since = g_get_monotonic_time();

        for (;;) {
                g_autofree char *pid = g_strstrip(systemctl("show --property=MainPID --value %s", service));
                g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *text = NULL;

                if (g_file_get_contents(path, &text, NULL, NULL) && strstr(text, ") T "))
                        return atoi(pid);
                expect_time_left(since, service);
                g_usleep(2 * 1000);
        }
}

void life_over_restart(Client *c, const char *service, Tracer *tracer)
{
        pid_t steady, ending, starting;

        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", ENDING);
        steady = pid_of(c, "a1");
        ending = pid_of(c, "a2");
        if (!g_file_set_contents(GATE, "", 0, NULL))
                fail(GATE ": %m");
        g_free(systemctl("restart --no-block %s", service));
        starting = wait_stopped(service);
        kill(ending, SIGUSR1);
        process_wait_end(ending);

        tracer_attach(tracer, starting);
        (void)g_unlink(GATE);
        kill(starting, SIGCONT);
        wait_end(c, "a2", 42);
        expect_true("a1 runs on", process_is_alive(steady));
        insist_on_create(c, "a3", EXEC);
        expect_number("MainPID of a1", steady, pid_of(c, "a1"));
        fleet_wait(c, "a1 a2 a3", "a1 a3");
        insist_on_stop(c, "a1");
        insist_on_stop(c, "a3");
        insist_on_forgetting(c);
        fleet_wait(c, "", "");
}
