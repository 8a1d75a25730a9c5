/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What somebody can do who has taken agenthostd over: he speaks to the launcher as the user agenthost, and
 * says whatever he likes. He may start and stop agents of the configured runtimes; everything else is
 * refused with an error that says why, and the launcher goes on as if nothing had been. More of it:
 * test-taken-over-adopt.c, test-taken-over-properties.c and test-taken-over-socket.c. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/taken-over.h"
#include "pidfd.h"

static void test_only_runtimes_that_are_configured(void)
{
        static const char *const names[] = { "nope", "", ".", "..", "../sleep", "./sleep", "sleep.runtime",
                "/bin/sh", "sleep/../sleep", "sle\nep", "sleep ", "SLEEP", "%a" };
        g_autofree char *fill = g_strnfill(254, 'x'), *long_name = g_strconcat(fill, "\u00e9", NULL);
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Spawned) s = fixture_spawn_with(f, "a", names[i], NULL, NULL);

                expect_refused(s, ERROR "NoSuchRuntime", "There is no runtime ");
        }
        /* Of a long one the beginning is said, also where that cuts a character in two. */
        g_autoptr(Spawned) s = fixture_spawn_with(f, "a", long_name, NULL, NULL);
        expect_refused(s, ERROR "NoSuchRuntime", "There is no runtime xxx");
        expect_works(f);
}

static void test_only_variables_that_are_allowed(void)
{
        static const struct {
                const char *runtime, *assignment, *error, *part;
        } cases[] = {
                { "sleep", "LD_PRELOAD=/tmp/x.so", SD_BUS_ERROR_ACCESS_DENIED,
                        "let callers set LD_PRELOAD" },
                { "sleep", "PATH=/tmp", SD_BUS_ERROR_ACCESS_DENIED, "let callers set PATH" },
                { "sleep", "BAD=1", SD_BUS_ERROR_ACCESS_DENIED, "add AllowEnvironment=BAD" },
                { "sleep", "good_1=1", SD_BUS_ERROR_ACCESS_DENIED, "let callers set good_1" },
                { "sleep", "NOTIFY_SOCKET=/tmp/x", SD_BUS_ERROR_ACCESS_DENIED, "set by agenthost itself" },
                { "sleep", "GOOD_1", SD_BUS_ERROR_INVALID_ARGS, "not of the form NAME=value" },
                { "sleep", "=x", SD_BUS_ERROR_INVALID_ARGS, "not of the form NAME=value" },
                { "sleep", "GOOD_1\nLD_PRELOAD=/tmp/x.so", SD_BUS_ERROR_INVALID_ARGS, "NAME=value" },
                /* The loader would run the agent's own texts as code. */
                { "open", "LD_PRELOAD=/tmp/x.so", SD_BUS_ERROR_ACCESS_DENIED, "let callers set LD_PRELOAD" },
                { "open", "LD_AUDIT=/tmp/x.so", SD_BUS_ERROR_ACCESS_DENIED,
                        "add AllowEnvironment=LD_AUDIT" },
                { "open", "CREDENTIALS_DIRECTORY=/", SD_BUS_ERROR_ACCESS_DENIED, "set by agenthost itself" },
        };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *const environment[] = { cases[i].assignment, NULL };
                g_autoptr(Spawned) s = fixture_spawn_with(f, "a", cases[i].runtime, environment, NULL);

                expect_refused(s, cases[i].error, cases[i].part);
        }
        expect_works(f);
}

/* A plan has a size that nobody exceeds by what he says. */
static void test_an_environment_has_a_size(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autofree char *value = g_strnfill(2 * MIB, 'x');
        g_autofree char *assignment = g_strconcat("GOOD_1=", value, NULL);
        const char *const environment[] = { assignment, NULL };
        g_autoptr(Spawned) s = fixture_spawn_with(f, "a", "sleep", environment, NULL);

        expect_refused(s, ERROR "StartFailed", "Argument list too long");
        expect_works(f);
}

static void test_only_texts_that_cannot_change(void)
{
        g_autoptr(Fixture) f = take_over();
        int pipes[2], file = open("/etc/hostname", O_RDONLY | O_CLOEXEC),
                      directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                      unsealed = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                      half = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING), own = pidfd_open_pid(1);

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        g_assert_cmpint(fcntl(half, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), ==, 0);
        const int bad[] = { pipes[0], file, directory, unsealed, half, own };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                for (size_t at = 0; at < AGENT_TEXT_COUNT; at++) {
                        int texts[AGENT_TEXT_COUNT];

                        memcpy(texts, f->texts, sizeof(texts));
                        texts[at] = bad[i];
                        g_autoptr(Spawned) s = fixture_spawn_with(f, "a", "sleep", NULL, texts);
                        expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, " is not a sealed memory file");
                }
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                close(bad[i]);
        close(pipes[1]);
        expect_works(f);
}

/* Fewer or more descriptors than there are texts; the answer's text. */
static char *spawn_with_n_texts(Fixture *f, size_t n)
{
        sd_bus_message *m = fixture_spawn_open(f, "a", "g", "sleep", NULL);
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *text;

        g_assert_cmpint(sd_bus_message_append(m, "a(sv)", 0), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "h"), >=, 0);
        for (size_t i = 0; i < n; i++)
                g_assert_cmpint(sd_bus_message_append(m, "h", f->texts[i % AGENT_TEXT_COUNT]), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        g_assert_cmpint(sd_bus_call(f->bus, m, TEST_LIMIT_USEC, &error, NULL), <, 0);
        text = g_strdup(error.message);
        sd_bus_error_free(&error);
        sd_bus_message_unref(m);
        return text;
}

static void test_as_many_texts_as_there_are(void)
{
        static const size_t numbers[] = { 0, 1, 3, 5, 200 };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                g_autofree char *text = spawn_with_n_texts(f, numbers[i]);

                g_assert_cmpstr(text, ==, "There are to be 4 texts");
        }
        expect_works(f);
}

static void test_only_ids_that_are_some(void)
{
        g_autofree char *long_id = g_strnfill(256, 'x');
        const char *const ids[] = { "", "a\nb", "a\rb", "\x1b[31m", "\x7f", "\t", long_id };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_autoptr(Spawned) s = fixture_spawn_with(f, ids[i], "sleep", NULL, NULL);
                g_autoptr(Spawned) g = fixture_spawn_begin(f, "a", ids[i], "sleep");

                fixture_wait(f, g);
                expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "Not a valid agent id");
                expect_refused(g, SD_BUS_ERROR_INVALID_ARGS, "Not a valid guild id");
        }
        /* These are, and get nowhere with it. */
        g_autoptr(Spawned) s = fixture_spawn(f, "../../etc/passwd", "sleep");
        g_assert_cmpstr(s->unit, ==, "agent-\\x2e.\\x2f..\\x2fetc\\x2fpasswd.scope");
        fixture_stop(f, s->unit, 0);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGTERM, true);
        expect_works(f);
}

static void test_only_units_that_are_agents_are_stopped_or_signalled(void)
{
        static const char *const units[] = { VICTIM, "init.scope", "agents.slice", "agents-g.slice",
                "agenthost-launcher.service", "dbus.service", "agent-unknown.scope", "agent-.scope", "", "/",
                "agent-*.scope", "agent-a.scope\n" };
        g_autoptr(Fixture) f = take_over();
        pid_t pid = start_victim();

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                g_autofree char *stop = fixture_call(
                                        f, LAUNCHER_STOP, LAUNCHER_STOP_IN, units[i], UINT64_MAX),
                                *kill = fixture_call(
                                        f, LAUNCHER_KILL, LAUNCHER_KILL_IN, units[i], "all", SIGKILL),
                                *main = fixture_call(
                                        f, LAUNCHER_KILL, LAUNCHER_KILL_IN, units[i], "main", SIGKILL);

                g_assert_cmpstr(stop, ==, ERROR "NoSuchAgent");
                g_assert_cmpstr(kill, ==, ERROR "NoSuchAgent");
                g_assert_cmpstr(main, ==, ERROR "NoSuchAgent");
        }
        /* At once, what has the name of an agent's scope may be left of one. */
        g_autofree char *error = fixture_call(f, LAUNCHER_STOP, LAUNCHER_STOP_IN, VICTIM, UINT64_C(0));
        g_assert_cmpstr(error, ==, ERROR "NoSuchAgent");
        fixture_stop(f, "agent-unknown.scope", 0);

        expect_victim_alive(pid);
        stop_victim();
        expect_works(f);
}

static void test_only_signals_that_there_are(void)
{
        static const int numbers[] = { 0, -1, -9, 65, 128, 1000, INT32_MAX, INT32_MIN };
        static const char *const whom[] = { "", "root", "control", "main ", "ALL" };
        g_autoptr(Fixture) f = take_over();
        g_autoptr(Spawned) s = fixture_spawn(f, "a", "sleep");

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                g_autofree char *main = fixture_call(
                                        f, LAUNCHER_KILL, LAUNCHER_KILL_IN, s->unit, "main", numbers[i]),
                                *all = fixture_call(
                                        f, LAUNCHER_KILL, LAUNCHER_KILL_IN, s->unit, "all", numbers[i]);

                g_assert_cmpstr(main, ==, SD_BUS_ERROR_INVALID_ARGS);
                g_assert_cmpstr(all, ==, SD_BUS_ERROR_INVALID_ARGS);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(whom); i++) {
                g_autofree char *error =
                        fixture_call(f, LAUNCHER_KILL, LAUNCHER_KILL_IN, s->unit, whom[i], SIGTERM);

                g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
        }
        fixture_stop(f, s->unit, 0);
        fixture_expect_end(f, s, "success", CLD_KILLED, SIGTERM, true);
        expect_works(f);
}

static void test_nothing_else_can_be_asked_for(void)
{
        static const struct {
                const char *path, *interface, *member, *error;
        } cases[] = {
                { LAUNCHER_PATH, LAUNCHER_INTERFACE, "Execute", SD_BUS_ERROR_UNKNOWN_METHOD },
                { LAUNCHER_PATH, "org.freedesktop.systemd1.Manager", "Reboot", SD_BUS_ERROR_UNKNOWN_METHOD },
                { "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Reboot",
                        SD_BUS_ERROR_UNKNOWN_OBJECT },
        };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                g_assert_cmpint(sd_bus_call_method(f->bus, NULL, cases[i].path, cases[i].interface,
                                        cases[i].member, &error, NULL, NULL),
                        <, 0);
                g_assert_cmpstr(error.name, ==, cases[i].error);
                sd_bus_error_free(&error);
        }
        g_autofree char *error = fixture_call(f, LAUNCHER_STOP, "u", 1u);
        g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
        expect_works(f);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/taken-over/" name, test_##function)
        ADD("only-runtimes-that-are-configured", only_runtimes_that_are_configured);
        ADD("only-variables-that-are-allowed", only_variables_that_are_allowed);
        ADD("an-environment-has-a-size", an_environment_has_a_size);
        ADD("only-texts-that-cannot-change", only_texts_that_cannot_change);
        ADD("as-many-texts-as-there-are", as_many_texts_as_there_are);
        ADD("only-ids-that-are-some", only_ids_that_are_some);
        ADD("only-units-that-are-agents-are-stopped-or-signalled",
                only_units_that_are_agents_are_stopped_or_signalled);
        ADD("only-signals-that-there-are", only_signals_that_there_are);
        ADD("nothing-else-can-be-asked-for", nothing_else_can_be_asked_for);
#undef ADD

        return g_test_run();
}
