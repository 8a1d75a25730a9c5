/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "life.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "agents.h"
#include "ends.h"
#include "fleet.h"
#include "host-state.h"
#include "insist.h"
#include "outcome.h"

/* As runtimes. At SIGUSR1 the first exits with 42, the others with 3; they are started again, at once or
 * when somebody asks for that. */
#define ENDING "test-ending"
#define AGAIN "test-again"
#define WAITING "test-waiting"

/* While this is there, a service stops itself before it starts. */
#define GATE "/run/agenthost-tests/gate"

void life_whole_prepare(const char *service)
{
        (void)service;

        runtime_add(ENDING, "notify", "ready wait exit=42", "StartTimeoutSec=1h");
        runtime_add(AGAIN, "notify", "ready wait exit=3",
                "StartTimeoutSec=1h\nRestart=on-failure\nRestartSec=1ms\nRestartMaxSec=10ms");
        runtime_add(WAITING, "notify", "ready wait exit=3",
                "StartTimeoutSec=1h\nRestart=on-failure\nRestartSec=1h\nRestartMaxSec=1h");
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

/* It stays listed as what it has become of that. */
static void wait_end(Client *c,
        const char *service,
        const char *id,
        const char *state,
        const char *result,
        const char *exit_status)
{
        if (end_may_be_lost(service)) {
                insist_wait(c, id, "Alive", "false");
                return;
        }
        insist_wait(c, id, "State", state);
        insist_wait(c, id, "Result", result);
        insist_wait(c, id, "ExitStatus", exit_status);
}

static void end_and_wait_for_restart(Client *c, const char *id)
{
        pid_t before = insist_pid(c, id), now;
        gint64 since = g_get_monotonic_time();

        kill(before, SIGUSR1);
        process_wait_end(before);
        do {
                insist_check_time(since, "the restart");
                insist_wait(c, id, "State", "running");
                now = insist_pid(c, id);
        } while (now == before);
}

void life_whole(Client *c, const char *service, Tracer *tracer)
{
        static const char *const ends[] = { "a2 exit-code 42", "a3 exit-code 3", "a3 success 0",
                "a1 success 0", NULL };

        tracer_attach(tracer, service_pid(service));
        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", ENDING);
        insist_on_create(c, "a3", AGAIN);
        kill(insist_pid(c, "a2"), SIGUSR1);
        wait_end(c, service, "a2", "exited", "exit-code", "42");
        end_and_wait_for_restart(c, "a3");
        expect_true("a1 runs on", process_is_alive(insist_pid(c, "a1")));
        fleet_wait(c, "a1 a2 a3", "a1 a3");

        insist_on_stop(c, "a3");
        insist_on_stop(c, "a1");
        fleet_wait(c, "a2", "");
        insist_on_forgetting(c);
        fleet_wait(c, "", "");
        ends_expect(c, service, ends);
}

void life_handled(Client *c, const char *service, Tracer *tracer)
{
        static const char *const ends[] = { "a2 exit-code 3", "a2 signal 9", "a1 success 0", NULL };

        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", WAITING);
        tracer_attach(tracer, service_pid(service));
        insist_on_freezing(c, "a1", true);
        insist_wait(c, "a1", "State", "frozen");
        insist_on_killing(c, "a2", "main", SIGUSR1);
        wait_end(c, service, "a2", "restarting", "exit-code", "3");
        insist_on_freezing(c, "a1", false);
        insist_wait(c, "a1", "State", "running");
        insist_on_restart(c, "a2");
        insist_wait(c, "a2", "State", "running");
        fleet_wait(c, "a1 a2", "a1 a2");

        insist_on_killing(c, "a2", "all", SIGKILL);
        wait_end(c, service, "a2", "restarting", "signal", "9");
        insist_on_stop(c, "a2");
        insist_on_stop(c, "a1");
        fleet_wait(c, "", "");
        ends_expect(c, service, ends);
}

void life_drained(Client *c, const char *service, Tracer *tracer)
{
        static const char *const ends[] = { "a1 success 0", "a2 success 0", "a3 success 0", NULL };

        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", AGAIN);
        tracer_attach(tracer, service_pid(service));
        insist_on_draining(c, true);
        insist_expect_draining(c, "true");
        fleet_wait(c, "", "");
        insist_on_draining(c, false);
        insist_expect_draining(c, "false");
        insist_on_create(c, "a3", NOTIFY);
        fleet_wait(c, "a3", "a3");
        insist_on_stop(c, "a3");
        fleet_wait(c, "", "");
        ends_expect(c, service, ends);
}

static pid_t wait_stopped(const char *service)
{
        gint64 since = g_get_monotonic_time();

        for (;;) {
                g_autofree char *pid = g_strstrip(systemctl("show --property=MainPID --value %s", service));
                g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *text = NULL;

                if (g_file_get_contents(path, &text, NULL, NULL) && strstr(text, ") T "))
                        return atoi(pid);
                insist_check_time(since, service);
                g_usleep(2 * 1000);
        }
}

void life_over_restart(Client *c, const char *service, Tracer *tracer)
{
        static const char *const ends[] = { "a2 exit-code 42", "a1 success 0", "a3 success 0", NULL };
        pid_t steady, ending, starting;

        insist_on_create(c, "a1", NOTIFY);
        insist_on_create(c, "a2", ENDING);
        steady = insist_pid(c, "a1");
        ending = insist_pid(c, "a2");
        if (!g_file_set_contents(GATE, "", 0, NULL))
                fail(GATE ": %m");
        g_free(systemctl("restart --no-block %s", service));
        starting = wait_stopped(service);
        kill(ending, SIGUSR1);
        process_wait_end(ending);

        tracer_attach(tracer, starting);
        (void)g_unlink(GATE);
        kill(starting, SIGCONT);
        wait_end(c, service, "a2", "exited", "exit-code", "42");
        expect_true("a1 runs on", process_is_alive(steady));
        insist_on_create(c, "a3", NOTIFY);
        expect_number("MainPID of a1", steady, insist_pid(c, "a1"));
        fleet_wait(c, "a1 a2 a3", "a1 a3");
        insist_on_stop(c, "a1");
        insist_on_stop(c, "a3");
        insist_on_forgetting(c);
        fleet_wait(c, "", "");
        ends_expect(c, service, ends);
}
