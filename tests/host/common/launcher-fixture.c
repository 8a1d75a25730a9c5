/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-fixture.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "file-util.h"

#define RUNTIMES "/run/agenthost/runtimes.d"
#define POLL_USEC 5000

static void end_free(gpointer data)
{
        End *e = data;

        g_free(e->result);
        g_free(e->oom_level);
        g_free(e);
}

static void read_end(sd_bus_message *m, End *ret)
{
        const char *result, *oom_level;

        g_assert_cmpint(
                sd_bus_message_read(m, LAUNCHER_END, &result, &ret->code, &ret->status, &ret->requested,
                        &ret->when_usec, &oom_level, &ret->memory_peak, &ret->cpu_nsec),
                >, 0);
        ret->result = g_strdup(result);
        ret->oom_level = g_strdup(oom_level);
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        End *end = g_new0(End, 1);
        const char *unit;

        (void)error;

        g_assert_cmpint(sd_bus_message_read(m, "s", &unit), >, 0);
        read_end(m, end);
        g_hash_table_insert(f->ends, g_strdup(unit), end);
        return 0;
}

static int on_launched(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        const char *unit;
        uint32_t pid;

        (void)error;

        g_assert_cmpint(sd_bus_message_read(m, "su", &unit, &pid), >, 0);
        g_ptr_array_add(f->launched, g_strdup(unit));
        return 0;
}

#define MATCH(member) "type='signal',interface='" LAUNCHER_INTERFACE "',member='" member "'"

static sd_bus *connect_bus(Fixture *f)
{
        sd_bus *bus = NULL;

        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_address(bus, "unix:path=" LAUNCHER_SOCKET), >=, 0);
        g_assert_cmpint(sd_bus_negotiate_fds(bus, true), >=, 0);
        g_assert_cmpint(sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_ENDED), on_ended, f), >=, 0);
        g_assert_cmpint(sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_LAUNCHED), on_launched, f), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        return bus;
}

void fixture_free(Fixture *f)
{
        sd_bus_flush_close_unref(f->bus);
        g_hash_table_unref(f->ends);
        g_ptr_array_unref(f->launched);
        for (guint i = 0; i < f->runtimes->len; i++)
                (void)unlink(f->runtimes->pdata[i]);
        g_ptr_array_unref(f->runtimes);
        for (int i = 0; i < AGENT_TEXT_COUNT; i++)
                close(f->texts[i]);
        g_free(f);
}

void fixture_runtime(Fixture *f, const char *name, const char *format, ...)
{
        g_autofree char *lines = NULL, *content = NULL;
        char *path;
        va_list ap;

        va_start(ap, format);
        lines = g_strdup_vprintf(format, ap);
        va_end(ap);
        content = g_strdup_printf("[Runtime]\n%s%s\n", strstr(lines, "User=") ? "" : "User=daemon\n", lines);
        path = g_strdup_printf(RUNTIMES "/%s.runtime", name);
        g_assert_true(g_file_set_contents(path, content, -1, NULL));
        g_assert_cmpint(chmod(path, 0644), ==, 0);
        g_ptr_array_add(f->runtimes, path);
        g_assert_null(fixture_call(f, LAUNCHER_LIST_RUNTIMES, ""));
}

static int on_spawned(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(m);
        Spawned *s = userdata;
        const char *unit;
        uint32_t pid;

        (void)ret_error;

        if (error) {
                s->error = g_strdup(error->name);
                s->text = g_strdup(error->message);
                return 0;
        }

        g_assert_cmpint(sd_bus_message_read(m, LAUNCHER_SPAWN_OUT, &unit, &pid, &s->pidfd), >, 0);
        s->unit = g_strdup(unit);
        s->pid = (pid_t)pid;
        s->pidfd = fcntl(s->pidfd, F_DUPFD_CLOEXEC, 3);
        g_assert_cmpint(s->pidfd, >=, 0);
        return 0;
}

sd_bus_message *fixture_spawn_open(
        Fixture *f, const char *id, const char *guild, const char *runtime, const char *const *environment)
{
        sd_bus_message *m = NULL;

        g_assert_cmpint(sd_bus_message_new_method_call(
                                f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, LAUNCHER_SPAWN),
                >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "sssis", id, guild, runtime, 7, "Tracking"), >=, 0);
        g_assert_cmpint(sd_bus_message_append_strv(m, (char **)environment), >=, 0);
        return m;
}

static Spawned *spawn_send(Fixture *f, sd_bus_message *m, const int *texts)
{
        Spawned *s = g_new0(Spawned, 1);

        s->pidfd = -EBADF;
        g_assert_cmpint(
                sd_bus_message_append(m, "ah", AGENT_TEXT_COUNT, texts[0], texts[1], texts[2], texts[3]), >=,
                0);
        g_assert_cmpint(sd_bus_call_async(f->bus, NULL, m, on_spawned, s, TEST_LIMIT_USEC), >=, 0);
        sd_bus_message_unref(m);
        return s;
}

static Spawned *spawn_begin(Fixture *f,
        const char *id,
        const char *guild,
        const char *runtime,
        const char *const *environment,
        const int *texts)
{
        sd_bus_message *m = fixture_spawn_open(f, id, guild, runtime, environment);

        g_assert_cmpint(sd_bus_message_append(m, "a(sv)", 0), >=, 0);
        return spawn_send(f, m, texts);
}

Spawned *fixture_spawn_begin(Fixture *f, const char *id, const char *guild, const char *runtime)
{
        return spawn_begin(f, id, guild, runtime, NULL, f->texts);
}

void fixture_process(Fixture *f, uint64_t limit_usec)
{
        int r = sd_bus_process(f->bus, NULL);

        g_assert_cmpint(r, >=, 0);
        if (r == 0)
                g_assert_cmpint(sd_bus_wait(f->bus, limit_usec), >=, 0);
}

void fixture_wait(Fixture *f, const Spawned *s)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;

        while (!s->unit && !s->error) {
                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                fixture_process(f, TEST_LIMIT_USEC);
        }
}

Spawned *fixture_spawn_with(
        Fixture *f, const char *id, const char *runtime, const char *const *environment, const int *texts)
{
        Spawned *s = spawn_begin(f, id, "g", runtime, environment, texts ? texts : f->texts);

        fixture_wait(f, s);
        return s;
}

Spawned *fixture_spawn_close(Fixture *f, sd_bus_message *m)
{
        Spawned *s = spawn_send(f, m, f->texts);

        fixture_wait(f, s);
        return s;
}

Spawned *fixture_spawn_with_property(
        Fixture *f, const char *runtime, const char *name, const char *type, ...)
{
        sd_bus_message *m = fixture_spawn_open(f, "a", "g", runtime, NULL);
        va_list ap;

        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sv)"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'r', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", name), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', type), >=, 0);
        va_start(ap, type);
        g_assert_cmpint(sd_bus_message_appendv(m, type, ap), >=, 0);
        va_end(ap);
        for (int i = 0; i < 3; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        return fixture_spawn_close(f, m);
}

Spawned *fixture_spawn(Fixture *f, const char *id, const char *runtime)
{
        Spawned *s = fixture_spawn_with(f, id, runtime, NULL, NULL);

        g_assert_cmpstr(s->text, ==, NULL);
        return s;
}

void spawned_free(Spawned *s)
{
        if (s->pidfd >= 0)
                close(s->pidfd);
        g_free(s->unit);
        g_free(s->error);
        g_free(s->text);
        g_free(s);
}

char *fixture_call(Fixture *f, const char *member, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        char *name = NULL;
        va_list ap;

        g_assert_cmpint(
                sd_bus_message_new_method_call(f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, member),
                >=, 0);
        va_start(ap, types);
        g_assert_cmpint(sd_bus_message_appendv(m, types, ap), >=, 0);
        va_end(ap);
        if (sd_bus_call(f->bus, m, TEST_LIMIT_USEC, &error, NULL) < 0)
                name = g_strdup(error.name);
        sd_bus_error_free(&error);
        sd_bus_message_unref(m);
        return name;
}

void fixture_stop(Fixture *f, const char *unit, uint64_t timeout_usec)
{
        g_assert_cmpstr(fixture_call(f, LAUNCHER_STOP, LAUNCHER_STOP_IN, unit, timeout_usec), ==, NULL);
}

void fixture_acknowledge(Fixture *f, const char *unit)
{
        g_assert_cmpstr(fixture_call(f, LAUNCHER_ACKNOWLEDGE, LAUNCHER_ACKNOWLEDGE_IN, 1, unit), ==, NULL);
}

const End *fixture_wait_end(Fixture *f, const char *unit)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;
        const End *end;

        while (!(end = g_hash_table_lookup(f->ends, unit))) {
                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                fixture_process(f, TEST_LIMIT_USEC);
        }
        return end;
}

void fixture_expect_end(
        Fixture *f, const Spawned *s, const char *result, int code, int status, bool requested)
{
        g_autofree char *credentials = g_strdup_printf("/run/agenthost/credentials/%s", s->unit);
        const End *end = fixture_wait_end(f, s->unit);

        g_assert_cmpstr(end->result, ==, result);
        g_assert_cmpint(end->code, ==, code);
        g_assert_cmpint(end->status, ==, status);
        g_assert_cmpint(end->requested, ==, requested);
        g_assert_false(shell_succeeds("systemctl is-active --quiet '%s'", s->unit));
        g_assert_false(g_file_test(credentials, G_FILE_TEST_EXISTS));
        fixture_acknowledge(f, s->unit);
        g_hash_table_remove(f->ends, s->unit);
}

static void listed_free(gpointer data)
{
        Listed *l = data;

        g_free(l->unit);
        g_free(l->agent_id);
        g_free(l->guild_id);
        g_free(l->runtime);
        g_free(l->end.result);
        g_free(l->end.oom_level);
        close(l->pidfd);
        g_free(l);
}

/* The number of items. */
static unsigned read_page(sd_bus_message *m, GPtrArray *to)
{
        const char *unit, *agent, *guild, *runtime;
        unsigned n = 0;
        uint32_t pid;
        int fd, r;

        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "(" LAUNCHER_LIST_ITEM ")"), >, 0);
        while ((r = sd_bus_message_enter_container(m, 'r', LAUNCHER_LIST_ITEM)) > 0) {
                Listed *l = g_new0(Listed, 1);

                g_assert_cmpint(sd_bus_message_read(
                                        m, "ssssuhu", &unit, &agent, &guild, &runtime, &pid, &fd, &l->phase),
                        >, 0);
                read_end(m, &l->end);
                g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
                l->unit = g_strdup(unit);
                l->agent_id = g_strdup(agent);
                l->guild_id = g_strdup(guild);
                l->runtime = g_strdup(runtime);
                l->pid = (pid_t)pid;
                l->pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                g_ptr_array_add(to, l);
                n++;
        }
        g_assert_cmpint(r, ==, 0);
        return n;
}

GPtrArray *fixture_list(Fixture *f, unsigned *ret_pages)
{
        GPtrArray *all = g_ptr_array_new_with_free_func(listed_free);
        const char *after = "";
        unsigned n, pages = 0;

        do {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                sd_bus_message *reply = NULL;

                g_assert_cmpint(sd_bus_call_method(f->bus, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE,
                                        LAUNCHER_LIST, &error, &reply, "s", after),
                        >=, 0);
                n = read_page(reply, all);
                sd_bus_message_unref(reply);
                g_assert_cmpuint(n, <=, LAUNCHER_PAGE);
                if (n > 0)
                        after = ((Listed *)all->pdata[all->len - 1])->unit;
                pages++;
        } while (n > 0);

        if (ret_pages)
                *ret_pages = pages;
        return all;
}

/* What a test that failed has left. */
static void clean_up(Fixture *f)
{
        g_autoptr(GPtrArray) agents = fixture_list(f, NULL);

        for (guint i = 0; i < agents->len; i++) {
                const Listed *l = agents->pdata[i];

                if (l->phase != LAUNCHER_ENDED_PHASE) {
                        fixture_stop(f, l->unit, 0);
                        (void)fixture_wait_end(f, l->unit);
                }
                fixture_acknowledge(f, l->unit);
        }
        g_hash_table_remove_all(f->ends);
}

Fixture *fixture_new(void)
{
        static const char *const texts[] = { "{\"id\":1}", "{\"guild\":2}", "{\"messaging\":3}", "{}" };
        Fixture *f = g_new0(Fixture, 1);

        /* agenthostd would take an interest in agents that it does not know. */
        (void)shell_succeeds("systemctl stop agenthostd.service agenthostd.socket 2>/dev/null");
        g_free(shell("systemctl start agenthost-launcher.socket && mkdir -p " RUNTIMES
                     " && install -d -m 1777 " TEST_DIR));
        f->runtimes = g_ptr_array_new_with_free_func(g_free);
        f->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, end_free);
        f->launched = g_ptr_array_new_with_free_func(g_free);
        for (int i = 0; i < AGENT_TEXT_COUNT; i++) {
                f->texts[i] = memfd_sealed("text", texts[i], strlen(texts[i]));
                g_assert_cmpint(f->texts[i], >=, 0);
        }
        f->bus = connect_bus(f);
        clean_up(f);
        return f;
}

GStrv fixture_adopt(Fixture *f, GPtrArray *agents)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        GStrv refused = NULL;

        g_assert_cmpint(sd_bus_message_new_method_call(
                                f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, LAUNCHER_ADOPT),
                >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(ssssuh)"), >=, 0);
        for (guint i = 0; i < agents->len; i++) {
                const Listed *l = agents->pdata[i];

                g_assert_cmpint(sd_bus_message_append(m, "(ssssuh)", l->unit, l->agent_id, l->guild_id,
                                        l->runtime, (uint32_t)l->pid, l->pidfd),
                        >=, 0);
        }
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        if (sd_bus_call(f->bus, m, TEST_LIMIT_USEC, &error, &reply) < 0)
                g_error("Adopt: %s", error.message);
        g_assert_cmpint(sd_bus_message_read_strv(reply, &refused), >=, 0);
        sd_bus_message_unref(m);
        sd_bus_message_unref(reply);
        return refused ? refused : g_new0(char *, 1);
}

void fixture_reconnect(Fixture *f)
{
        sd_bus_close_unref(f->bus);
        f->bus = connect_bus(f);
}

/* Who we are is looked at by the kernel when we connect. */
void fixture_reconnect_as(Fixture *f, const char *user)
{
        const struct passwd *pw = getpwnam(user);

        g_assert_nonnull(pw);
        g_assert_cmpint(seteuid(pw->pw_uid), ==, 0);
        fixture_reconnect(f);
        g_assert_cmpint(seteuid(0), ==, 0);
}

static bool run_shell(const char *command, char **ret_output)
{
        const char *argv[] = { "/bin/sh", "-c", command, NULL };
        GError *error = NULL;
        int status;

        if (!g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, ret_output, NULL, &status, &error))
                g_error("%s: %s", command, error->message);
        return status == 0;
}

char *shell(const char *format, ...)
{
        g_autofree char *command = NULL;
        char *output = NULL;
        va_list ap;

        va_start(ap, format);
        command = g_strdup_vprintf(format, ap);
        va_end(ap);
        if (!run_shell(command, &output))
                g_error("%s failed", command);
        return g_strchomp(output);
}

bool shell_succeeds(const char *format, ...)
{
        g_autofree char *command = NULL, *output = NULL;
        va_list ap;

        va_start(ap, format);
        command = g_strdup_vprintf(format, ap);
        va_end(ap);
        return run_shell(command, &output);
}

void shell_await(const char *format, ...)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;
        g_autofree char *command = NULL;
        va_list ap;

        va_start(ap, format);
        command = g_strdup_vprintf(format, ap);
        va_end(ap);
        while (!shell_succeeds("%s", command)) {
                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                g_usleep(POLL_USEC);
        }
}

char *await_file(const char *name)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;
        g_autofree char *path = g_strdup_printf(TEST_DIR "/%s", name);
        char *content = NULL;

        while (!g_file_get_contents(path, &content, NULL, NULL) || !g_str_has_suffix(content, "\n")) {
                g_clear_pointer(&content, g_free);
                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                g_usleep(POLL_USEC);
        }
        return content;
}
