/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthostd is killed at its first system call of a kind, at the second, and so on, until the lives of some
 * agents are over before it comes to that. Wherever that is, the client that asks again gets what it asked
 * for, once. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define SERVICE "agenthostd.service"

/* As a runtime: at SIGUSR1 it exits with 7. */
#define SEVEN "test-seven"

/* A sweep that comes this far has lost its way. */
#define POINTS_MAX 200u

/* strace, attached to a process that it kills at its n-th call of this name. */
typedef struct Tracer {
        GPid pid;
        pid_t target;
} Tracer;

/* Its first line says that it is attached. */
static void tracer_start(Tracer *t, const char *call, unsigned n)
{
        g_autofree char *pid_text = NULL, *trace = g_strdup_printf("trace=%s", call);
        g_autofree char *inject = g_strdup_printf("inject=%s:signal=SIGKILL:when=%u", call, n);
        _cleanup_fclose_ FILE *output = NULL;
        g_autoptr(GError) error = NULL;
        char line[256];
        int fd;

        t->target = service_pid(SERVICE);
        pid_text = g_strdup_printf("%d", (int)t->target);
        char *argv[] = { (char *)"strace", (char *)"-o", (char *)"/dev/null", (char *)"-e", trace,
                (char *)"-e", inject, (char *)"-p", pid_text, NULL };

        if (!g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                    NULL, NULL, &t->pid, NULL, NULL, &fd, &error))
                fail("strace: %s", error->message);
        output = fdopen(fd, "r");
        if (!output || !fgets(line, sizeof(line), output))
                fail("strace: expected it to say something, it has not");
        expect_part("strace", "attached", line);
}

/* Detaches it. Returns whether its process has been killed. */
static bool tracer_end(Tracer *t)
{
        (void)kill(t->pid, SIGTERM);
        process_wait_end(t->pid);
        g_spawn_close_pid(t->pid);
        return service_pid(SERVICE) != t->target;
}

/* The last comes of a bus that has asked systemd for agenthostd, and was told that it has just failed. */
static bool is_crash(const sd_bus_error *e)
{
        return sd_bus_error_has_names(
                e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

/* The call's answer if there is one; NULL: its receiver has died. */
static sd_bus_message *answer_or_crash(Call *call)
{
        sd_bus_message *answer = call_answer(call);
        const sd_bus_error *e = sd_bus_message_get_error(answer);

        if (e && !is_crash(e))
                fail("expected success or no answer, got %s: %s", e->name, e->message);
        return e ? sd_bus_message_unref(answer) : answer;
}

static void insist_on_create(Client *c, const Create *create)
{
        _cleanup_message_ sd_bus_message *answer = NULL;

        while (!answer)
                answer = answer_or_crash(create_send(c, create));
}

static void insist_on_stop(Client *c, const char *id)
{
        bool asked_before = false;

        for (;;) {
                _cleanup_message_ sd_bus_message *answer =
                        answer_or_crash(client_send(c, MANAGER, "StopAgent", "su", id, 0u));
                int stopped;

                if (!answer) {
                        asked_before = true;
                        continue;
                }
                must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
                expect_true("stopped, or known no more", stopped || asked_before);
                return;
        }
}

/* A crash swallows signals; who takes the name afterwards knows. */
static void wait_for(Client *c, const char *id, const char *property, const char *expected)
{
        _cleanup_free_ char *path = agent_path(id);

        for (;;) {
                unsigned seen = client_signal_count(c);
                g_autofree char *value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, property);

                if (g_strcmp0(value, expected) == 0)
                        return;
                if (value)
                        client_wait_more_signals(c, seen, property);
        }
}

static pid_t pid_of(Client *c, const char *id)
{
        _cleanup_free_ char *path = agent_path(id);
        g_autofree char *value = NULL;

        while (!value)
                value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, "MainPID");
        return atoi(value);
}

/* One that is stopped, one that ends. */
static void live(Client *c)
{
        insist_on_create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready", .request_id = "r1" });
        insist_on_create(c, &(Create){ .id = "a2", .runtime = SEVEN, .wait = "ready", .request_id = "r2" });
        expect_number("processes", 2, agent_process_count());
        expect_true("its process", process_is_alive(pid_of(c, "a1")));

        insist_on_stop(c, "a1");
        kill(pid_of(c, "a2"), SIGUSR1);
        wait_for(c, "a2", "State", "exited");
        wait_for(c, "a2", "ExitStatus", "7");
        expect_number("processes", 0, agent_process_count());
}

static void expect_state_of_the_ended_only(Client *c)
{
        g_autofree char *list = agent_list(c, "");
        g_auto(GStrv) states = state_list(), scopes = scope_list();

        expect_text("ListAgents", "a2", list);
        expect_text("state files", "agent-a2.scope", states[0]);
        expect_number("state files", 1, g_strv_length(states));
        expect_number("scopes", 0, g_strv_length(scopes));
}

static void sweep(const char *system_call)
{
        _cleanup_client_ Client *c = NULL;
        bool killed = true;
        unsigned n;

        runtime_add(SEVEN, "notify", "ready wait exit=7", NULL);
        c = agents_begin();
        client_add_match(c,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'");
        for (n = 1; killed; n++) {
                Tracer tracer;

                if (n > POINTS_MAX)
                        fail("expected an end of it at last, killed at call %u", n);
                tracer_start(&tracer, system_call, n);
                live(c);
                killed = tracer_end(&tracer);
                expect_state_of_the_ended_only(c);
                g_free(agents_clean_up(c));
                client_drop_signals(c);
        }
        g_test_message("killed at %u calls of %s", n - 2, system_call);
}

static void test_killed_at_every_message_that_it_sends(void)
{
        sweep("sendmsg");
}

static void test_killed_at_every_message_that_it_receives(void)
{
        sweep("recvmsg");
}

static void test_killed_at_every_file_that_it_writes(void)
{
        sweep("openat");
}

static void test_killed_at_every_file_that_it_renames(void)
{
        sweep("renameat");
}

static void test_killed_at_every_file_that_it_removes(void)
{
        sweep("unlinkat");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/crash-points/" name, test_##function)
        ADD("killed-at-every-message-that-it-sends", killed_at_every_message_that_it_sends);
        ADD("killed-at-every-message-that-it-receives", killed_at_every_message_that_it_receives);
        ADD("killed-at-every-file-that-it-writes", killed_at_every_file_that_it_writes);
        ADD("killed-at-every-file-that-it-renames", killed_at_every_file_that_it_renames);
        ADD("killed-at-every-file-that-it-removes", killed_at_every_file_that_it_removes);
#undef ADD

        return host_tests_run();
}
