/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What somebody can do who has taken agenthostd over: he speaks to the launcher as the user agenthost, and
 * says whatever he likes. He may start and stop agents of the configured runtimes; everything else is
 * refused with an error that says why, and the launcher goes on as if nothing had been. */

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/launcher-fixture.h"
#include "file-util.h"
#include "pidfd.h"

#define ERROR "org.agenthost.Host1.Error."
#define USER "agenthost"
#define MIB (1024u * 1024)

static Fixture *take_over(void)
{
        Fixture *f = fixture_new();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nAllowEnvironment=GOOD_*");
        fixture_runtime(f, "open", "Exec=/bin/sleep 1000\nAllowEnvironment=*");
        fixture_reconnect_as(f, USER);
        return f;
}

static void expect_empty_list(Fixture *f)
{
        g_autoptr(GPtrArray) agents = fixture_list(f, NULL);

        g_assert_cmpuint(agents->len, ==, 0);
}

/* Nothing is there that should not be, and agents are started and stopped as ever. */
static void expect_works(Fixture *f)
{
        expect_empty_list(f);
        g_autoptr(Spawned) s = fixture_spawn(f, "still-works", "sleep");
        fixture_stop(f, s->unit, 0);
        (void)fixture_wait_end(f, s->unit);
        fixture_acknowledge(f, s->unit);
        g_hash_table_remove(f->ends, s->unit);
        expect_empty_list(f);
}

static void expect_refused(const Spawned *s, const char *error, const char *part)
{
        g_assert_cmpstr(s->error, ==, error);
        if (!strstr(s->text, part))
                g_error("'%s' is not in: %s", part, s->text);
}

static void test_only_runtimes_that_are_configured(void)
{
        static const char *const names[] = { "nope", "", ".", "..", "../sleep", "./sleep", "sleep.runtime",
                "/bin/sh", "sleep/../sleep", "sle\nep", "sleep ", "SLEEP", "%a" };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Spawned) s = fixture_spawn_with(f, "a", names[i], NULL, NULL);

                expect_refused(s, ERROR "NoSuchRuntime", "There is no runtime ");
        }
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
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        char *text;

        g_assert_cmpint(sd_bus_message_new_method_call(
                                f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, LAUNCHER_SPAWN),
                >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "sssisas", "a", "g", "sleep", 7, "", 0), >=, 0);
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

/* unit_properties: to be refused here are those that are no resource control, and those that a runtime sets.
 */

/* A service of somebody else's. */
#define VICTIM "agent-victim.service"

static pid_t start_victim(void)
{
        g_autofree char *pid = NULL;

        g_free(shell("systemctl stop " VICTIM " 2>/dev/null; systemctl reset-failed " VICTIM
                     " 2>/dev/null; true"));
        g_free(shell("systemd-run --quiet --unit=" VICTIM " sleep 1000"));
        pid = shell("systemctl show --property=MainPID --value " VICTIM);
        return atoi(pid);
}

static void expect_victim_alive(pid_t pid)
{
        g_autofree char *now = shell("systemctl show --property=MainPID --value " VICTIM);

        g_assert_cmpint(atoi(now), ==, pid);
        g_assert_cmpint(kill(pid, 0), ==, 0);
}

static void stop_victim(void)
{
        g_free(shell("systemctl stop " VICTIM));
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

static void adopted_add(GPtrArray *agents, const char *id, pid_t pid, int pidfd)
{
        Listed *l = g_new0(Listed, 1);

        l->unit = g_strdup_printf("agent-%s.scope", id);
        l->agent_id = g_strdup(id);
        l->guild_id = g_strdup("g");
        l->runtime = g_strdup("sleep");
        l->pid = pid;
        l->pidfd = pidfd;
        g_ptr_array_add(agents, l);
}

static void adopted_free(gpointer data)
{
        Listed *l = data;

        close(l->pidfd);
        g_free(l->unit);
        g_free(l->agent_id);
        g_free(l->guild_id);
        g_free(l->runtime);
        g_free(l);
}

static pid_t main_pid_of(const char *unit)
{
        g_autofree char *pid = shell("systemctl show --property=MainPID --value %s", unit);

        return atoi(pid);
}

/* Processes that are no agents: not taken, and nothing happens to them. */
static void test_only_agents_are_given_back(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autoptr(GPtrArray) agents = g_ptr_array_new_with_free_func(adopted_free);
        pid_t victim = start_victim(), launcher = main_pid_of("agenthost-launcher.service");
        g_autoptr(Spawned) other = fixture_spawn(f, "other", "sleep");

        adopted_add(agents, "init", 1, pidfd_open_pid(1));
        adopted_add(agents, "launcher", launcher, pidfd_open_pid(launcher));
        adopted_add(agents, "victim", victim, pidfd_open_pid(victim));
        adopted_add(agents, "ours", getpid(), pidfd_open_pid(getpid()));
        /* In the scope of another agent. */
        adopted_add(agents, "thief", other->pid, pidfd_open_pid(other->pid));
        /* Another process's, and of one that is not there. */
        adopted_add(agents, "swapped", victim, pidfd_open_pid(getpid()));
        adopted_add(agents, "nobody", 0x3fffffff, pidfd_open_pid(victim));

        g_auto(GStrv) refused = fixture_adopt(f, agents);
        g_assert_cmpuint(g_strv_length(refused), ==, agents->len);
        for (guint i = 0; i < agents->len; i++) {
                const Listed *l = agents->pdata[i];
                const End *end = fixture_wait_end(f, l->unit);

                g_assert_true(g_strv_contains((const char *const *)refused, l->unit));
                g_assert_cmpstr(end->result, ==, "lost");
                fixture_acknowledge(f, l->unit);
        }

        g_assert_cmpint(main_pid_of("agenthost-launcher.service"), ==, launcher);
        expect_victim_alive(victim);
        stop_victim();
        g_assert_cmpint(kill(other->pid, 0), ==, 0);
        fixture_stop(f, other->unit, 0);
        fixture_expect_end(f, other, "success", CLD_KILLED, SIGTERM, true);
        expect_works(f);
}

static void test_only_pidfds_stand_for_a_process(void)
{
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        int pipes[2];

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        const int bad[] = { open("/dev/null", O_RDONLY | O_CLOEXEC), memfd_create("no-pidfd", MFD_CLOEXEC),
                pipes[0], open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *error = fixture_call(f, LAUNCHER_ADOPT, LAUNCHER_ADOPT_IN, 1,
                        "agent-a.scope", "a", "g", "sleep", (uint32_t)victim, bad[i]);

                g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
                close(bad[i]);
        }
        close(pipes[1]);
        expect_victim_alive(victim);
        stop_victim();
        expect_works(f);
}

static void send_call(Fixture *f, sd_bus_message *m)
{
        g_assert_cmpint(sd_bus_message_set_expect_reply(m, false), >=, 0);
        g_assert_cmpint(sd_bus_send(f->bus, m, NULL), >=, 0);
        sd_bus_message_unref(m);
}

static sd_bus_message *new_call(Fixture *f, const char *member)
{
        sd_bus_message *m;

        g_assert_cmpint(
                sd_bus_message_new_method_call(f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, member),
                >=, 0);
        return m;
}

/* Before systemd has said whose process it is, it is nobody's. */
static void test_a_process_that_is_given_back_is_not_touched_before_it_is_checked(void)
{
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        pid_t launcher;
        int pidfd = pidfd_open_pid(victim);
        sd_bus_message *m;

        /* It finds all of it waiting for it at once. */
        expect_empty_list(f);
        launcher = main_pid_of("agenthost-launcher.service");
        g_assert_cmpint(kill(launcher, SIGSTOP), ==, 0);
        m = new_call(f, LAUNCHER_ADOPT);
        g_assert_cmpint(sd_bus_message_append(m, LAUNCHER_ADOPT_IN, 1, "agent-a.scope", "a", "g", "sleep",
                                (uint32_t)victim, pidfd),
                >=, 0);
        send_call(f, m);
        for (unsigned i = 0; i < 3; i++) {
                static const char *const whom[] = { "main", "all" };

                for (size_t k = 0; k < G_N_ELEMENTS(whom); k++) {
                        m = new_call(f, LAUNCHER_KILL);
                        g_assert_cmpint(sd_bus_message_append(
                                                m, LAUNCHER_KILL_IN, "agent-a.scope", whom[k], SIGKILL),
                                >=, 0);
                        send_call(f, m);
                }
                m = new_call(f, LAUNCHER_STOP);
                g_assert_cmpint(
                        sd_bus_message_append(m, LAUNCHER_STOP_IN, "agent-a.scope", UINT64_C(0)), >=, 0);
                send_call(f, m);
        }
        g_assert_cmpint(kill(launcher, SIGCONT), ==, 0);

        (void)fixture_wait_end(f, "agent-a.scope");
        fixture_acknowledge(f, "agent-a.scope");
        close(pidfd);
        expect_victim_alive(victim);
        stop_victim();
        expect_works(f);
}

static void test_names_that_do_not_belong_together_are_refused(void)
{
        static const struct {
                const char *unit, *id, *guild;
        } cases[] = {
                { VICTIM, "victim", "g" },
                { "dbus.service", "dbus", "g" },
                { "init.scope", "init", "g" },
                { "agent-a.scope", "b", "g" },
                { "agent-a.scope", "a\n", "g" },
                { "agent-a.scope", "a", "" },
        };
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        int pidfd = pidfd_open_pid(victim);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *error = fixture_call(f, LAUNCHER_ADOPT, LAUNCHER_ADOPT_IN, 1, cases[i].unit,
                        cases[i].id, cases[i].guild, "sleep", (uint32_t)victim, pidfd);

                g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
        }
        close(pidfd);
        expect_victim_alive(victim);
        stop_victim();
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

static void test_a_message_of_100_mib_is_answered(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autofree char *id = g_strnfill(100 * MIB, 'x');
        g_autoptr(Spawned) s = fixture_spawn_with(f, id, "sleep", NULL, NULL);

        expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "Not a valid agent id");
        g_autoptr(Spawned) r = fixture_spawn_with(f, "a", id, NULL, NULL);
        g_assert_cmpstr(r->error, ==, ERROR "NoSuchRuntime");
        g_assert_cmpuint(strlen(r->text), <, MIB);
        expect_works(f);
}

static int connect_raw(const char *user)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LAUNCHER_SOCKET };
        const struct passwd *pw = getpwnam(user);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        g_assert_nonnull(pw);
        g_assert_cmpint(seteuid(pw->pw_uid), ==, 0);
        r = connect(fd, (struct sockaddr *)&address, sizeof(address));
        if (r < 0)
                r = -errno;
        g_assert_cmpint(seteuid(0), ==, 0);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

/* Takes what is said to us, until the other side closes. */
static void await_close(int fd)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;
        char buffer[4096];
        ssize_t n = 1;

        while (n > 0) {
                struct pollfd p = { .fd = fd, .events = POLLIN };

                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                g_assert_cmpint(poll(&p, 1, (int)(TEST_LIMIT_USEC / 1000)), ==, 1);
                n = recv(fd, buffer, sizeof(buffer), 0);
        }
        close(fd);
}

static void test_garbage_is_hung_up_on(void)
{
#define AUTH "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"
        static const struct {
                const char *bytes;
                size_t size;
        } cases[] = {
#define CASE(text) { text, sizeof(text) - 1 }
                CASE("GET / HTTP/1.1\r\n\r\n"),
                CASE("\0AUTH ANONYMOUS\r\n"),
                CASE("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"),
                CASE("\0BEGIN\r\nl\1\0\1"),
                CASE("\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"),
                CASE(AUTH "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"),
                /* A header that promises 4 GiB, and one with as many fields. */
                CASE(AUTH "l\1\0\1\377\377\377\377\1\0\0\0\0\0\0\0"),
                CASE(AUTH "l\1\0\1\0\0\0\0\1\0\0\0\377\377\377\177"),
                /* No type, no version. */
                CASE(AUTH "l\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0"),
                CASE(AUTH "l\1\0\11\0\0\0\0\1\0\0\0\0\0\0\0"),
        };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                int fd = connect_raw(USER);

                g_assert_cmpint(fd, >=, 0);
                g_assert_cmpint(
                        send(fd, cases[i].bytes, cases[i].size, MSG_NOSIGNAL), ==, (ssize_t)cases[i].size);
                (void)shutdown(fd, SHUT_WR);
                await_close(fd);
        }
        expect_works(f);
}

/* Connections that say nothing, or half of something, are in nobody's way. */
static void test_half_a_connection_holds_nobody_up(void)
{
        static const char *const halves[] = { "", "\0", "\0AUTH EXT", "\0AUTH EXTERNAL\r\nDATA\r\n",
                AUTH "l\1\0\1" };
        static const size_t sizes[] = { 0, 1, 9, 23, sizeof(AUTH) - 1 + 4 };
        g_autoptr(Fixture) f = take_over();
        int fds[G_N_ELEMENTS(halves)];

        for (size_t i = 0; i < G_N_ELEMENTS(halves); i++) {
                fds[i] = connect_raw(USER);
                g_assert_cmpint(fds[i], >=, 0);
                g_assert_cmpint(send(fds[i], halves[i], sizes[i], MSG_NOSIGNAL), ==, (ssize_t)sizes[i]);
        }
        expect_works(f);
        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
                close(fds[i]);
        expect_works(f);
}

/* More than a few are none of agenthostd's: those that come last are closed, and root is let in all the
 * same. */
static void test_thousand_connections_are_too_many(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autofree char *before = shell("date +%%s"), *said = NULL;
        int fds[1000];
        unsigned n_open = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
                fds[i] = connect_raw(USER);
                g_assert_cmpint(fds[i], >=, 0);
        }
        /* Connections are taken in their order: once ours is closed, all have been looked at. */
        await_close(connect_raw(USER));
        fixture_reconnect(f);
        expect_works(f);
        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
                char byte;

                if (recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
                        n_open++;
        }
        g_assert_cmpuint(n_open, >, 0);
        g_assert_cmpuint(n_open, <, 100);
        said = shell("journalctl --sync; journalctl --output=cat --unit=agenthost-launcher.service "
                     "--since=@%s | grep --count 'has too many connections'",
                before);
        g_assert_cmpstr(said, ==, "1");

        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
                close(fds[i]);
        fixture_reconnect_as(f, USER);
        expect_works(f);
}

/* By the mode of the socket; and, were that another one, by who they are. */
static void test_other_users_are_not_let_in(void)
{
        static const char *const users[] = { "nobody", "daemon", "agents" };
        g_autoptr(Fixture) f = take_over();

        g_free(shell("getent passwd agents >/dev/null || systemd-sysusers --inline 'u agents -'"));
        for (size_t i = 0; i < G_N_ELEMENTS(users); i++) {
                int fd = connect_raw(users[i]);

                g_assert_cmpint(fd, ==, -EACCES);
                g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0666), ==, 0);
                fd = connect_raw(users[i]);
                g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0600), ==, 0);
                g_assert_cmpint(fd, >=, 0);
                await_close(fd);
        }
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
        ADD("only-agents-are-given-back", only_agents_are_given_back);
        ADD("only-pidfds-stand-for-a-process", only_pidfds_stand_for_a_process);
        ADD("a-process-that-is-given-back-is-not-touched-before-it-is-checked",
                a_process_that_is_given_back_is_not_touched_before_it_is_checked);
        ADD("names-that-do-not-belong-together-are-refused", names_that_do_not_belong_together_are_refused);
        ADD("nothing-else-can-be-asked-for", nothing_else_can_be_asked_for);
        ADD("a-message-of-100-MiB-is-answered", a_message_of_100_mib_is_answered);
        ADD("garbage-is-hung-up-on", garbage_is_hung_up_on);
        ADD("half-a-connection-holds-nobody-up", half_a_connection_holds_nobody_up);
        ADD("thousand-connections-are-too-many", thousand_connections_are_too_many);
        ADD("other-users-are-not-let-in", other_users_are_not_let_in);
#undef ADD

        return g_test_run();
}
