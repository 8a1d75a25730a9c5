/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-state.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>

#include "mode.h"
#include "outcome.h"
#include "pidfd.h"
#include "properties.h"

#define TEST_PREFIX "test-"
#define POLKIT_RULE "/etc/polkit-1/rules.d/10-test.rules"
#define AGENT_SLICE "/agents.slice/agents-"

static const char *const services[] = { "agenthostd.service", "agenthost-launcher.service" };

char *command(const char *format, ...)
{
        g_autofree char *line = NULL, *err = NULL;
        g_autoptr(GError) error = NULL;
        char *out = NULL;
        int status;
        va_list ap;

        va_start(ap, format);
        line = g_strdup_vprintf(format, ap);
        va_end(ap);
        if (!g_spawn_command_line_sync(line, &out, &err, &status, &error) ||
                !g_spawn_check_wait_status(status, &error))
                fail("%s: %s\n%s", line, error->message, err ? err : "");
        return out;
}

static void run(const char *line)
{
        g_free(command("%s", line));
}

char *systemctl(const char *format, ...)
{
        g_autofree char *words = NULL;
        va_list ap;

        va_start(ap, format);
        words = g_strdup_vprintf(format, ap);
        va_end(ap);
        return command("%s %s", mode_paths()->systemctl, words);
}

static char *runtime_path(const char *name)
{
        return g_strdup_printf("%s/%s.runtime", mode_paths()->runtimes_dirs[0], name);
}

static char *config_path(void)
{
        return g_strconcat(mode_paths()->config_dirs[0], "/agenthost.conf.d/test.conf", NULL);
}

static char *unit_path(const char *unit)
{
        g_autofree char *units = mode_is_user()
                ? g_build_filename(g_getenv("XDG_RUNTIME_DIR"), "systemd/user", NULL)
                : g_strdup("/run/systemd/system");

        return g_strdup_printf("%s/%s.d/test.conf", units, unit);
}

static void write_file(const char *path, const char *text)
{
        g_autofree char *dir = g_path_get_dirname(path);
        g_autoptr(GError) error = NULL;

        if (g_mkdir_with_parents(dir, 0755) < 0)
                fail("%s: %m", dir);
        if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
                fail("%s", error->message);
}

void runtime_write(const char *name, const char *format, ...)
{
        g_autofree char *path = runtime_path(name), *text = NULL;
        va_list ap;

        g_assert(g_str_has_prefix(name, TEST_PREFIX));

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        write_file(path, text);
}

const char *runtime_user(void)
{
        return mode_is_user() ? "" : "User=" AGENT_USER;
}

void runtime_add(const char *name, const char *type, const char *actions, const char *settings)
{
        runtime_write(name,
                "[Runtime]\n"
                "Type=%s\n"
                "%s\n"
                "Exec=" AGENT_PROGRAM " %s\n"
                "%s\n",
                type, runtime_user(), actions, settings ? settings : "");
}

void runtime_remove(const char *name)
{
        g_autofree char *path = runtime_path(name);

        if (g_remove(path) < 0)
                fail("%s: %m", path);
}

void config_write(const char *text)
{
        g_autofree char *path = config_path();

        write_file(path, text);
}

void unit_write(const char *unit, const char *text)
{
        g_autofree char *path = unit_path(unit);

        write_file(path, text);
        g_free(systemctl("daemon-reload"));
}

/* As often as we like. */
static void restart_polkit(void)
{
        run("systemctl reset-failed polkit.service");
        run("systemctl restart polkit.service");
}

/* It reads its rules when it starts, or a while after they have changed. */
void polkit_rule(const char *body)
{
        g_autofree char *text = body ? g_strdup_printf("polkit.addRule(function(action, subject) {\n"
                                                       "%s\n"
                                                       "return polkit.Result.NOT_HANDLED;\n"
                                                       "});\n",
                                               body)
                                     : NULL;

        if (text)
                write_file(POLKIT_RULE, text);
        else if (g_remove(POLKIT_RULE) < 0)
                fail(POLKIT_RULE ": %m");
        restart_polkit();
}

void polkit_rules_file(const char *path)
{
        g_free(command("install --mode=0644 %s " POLKIT_RULE, path));
        restart_polkit();
}

void polkit_mask(void)
{
        run("systemctl mask --runtime --quiet polkit.service");
        run("systemctl stop polkit.service");
}

static void restore_polkit(void)
{
        run("systemctl unmask --runtime --quiet polkit.service");
        if (g_remove(POLKIT_RULE) == 0)
                restart_polkit();
}

/* systemctl returns when the signal has been sent. */
void host_reload(void)
{
        _cleanup_client_ Client *c = client_new();

        g_free(systemctl("reload agenthostd.service"));
        g_free(client_wait_changed(c, MANAGER, "MaxAgents"));
}

pid_t service_pid(const char *unit)
{
        g_autofree char *text = systemctl("show --property=MainPID --value %s", unit);
        int pid = atoi(text);

        if (pid <= 0)
                fail("%s: expected it to run, it does not", unit);
        return pid;
}

void service_signal(const char *unit, int signal_number)
{
        if (kill(service_pid(unit), signal_number) < 0)
                fail("%s cannot be signalled: %m", unit);
}

void launcher_crash(void)
{
        pid_t pid = service_pid("agenthost-launcher.service");

        service_signal("agenthost-launcher.service", SIGKILL);
        process_wait_end(pid);
        g_free(systemctl("start agenthost-launcher.service"));
}

void agenthostd_crash(void)
{
        _cleanup_client_ Client *c = client_new();
        const char *old_owner, *new_owner = "";

        client_add_match(c,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'");
        service_signal("agenthostd.service", SIGKILL);
        while (!new_owner[0]) {
                _cleanup_message_ sd_bus_message *m = client_take_signal(c, "NameOwnerChanged", BUS_NAME);

                if (sd_bus_message_read(m, "sss", NULL, &old_owner, &new_owner) < 0)
                        fail("NameOwnerChanged cannot be read");
                new_owner = new_owner[0] ? "somebody" : "";
        }
}

static char **lines_of(const char *text)
{
        g_autofree char *copy = g_strstrip(g_strdup(text));

        return copy[0] ? g_strsplit(copy, "\n", -1) : g_new0(char *, 1);
}

char **scope_list(void)
{
        g_autofree char *text = systemctl("list-units --all --plain --no-legend --full agent-*.scope");
        char **lines = lines_of(text);

        for (char **l = lines; *l; l++)
                (*l)[strcspn(*l, " ")] = '\0';
        return lines;
}

char *scope_property(const char *unit, const char *interface, const char *name)
{
        _cleanup_client_ Client *c = client_new();
        g_autofree char *full_interface = g_strconcat("org.freedesktop.systemd1.", interface, NULL);
        _cleanup_free_ char *path = NULL;

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0)
                g_error("Out of memory");
        return client_try_property(c, "org.freedesktop.systemd1", path, full_interface, name);
}

char **directory_list(const char *path, const char *suffix)
{
        GPtrArray *list = g_ptr_array_new();
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

        for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir))
                if (g_str_has_suffix(name, suffix))
                        g_ptr_array_add(list, g_strndup(name, strlen(name) - strlen(suffix)));
        g_ptr_array_add(list, NULL);
        return (char **)g_ptr_array_free(list, false);
}

char **state_list(void)
{
        return directory_list(mode_paths()->state_dir, ".json");
}

static bool runs_agent(pid_t pid)
{
        g_autofree char *link = g_strdup_printf("/proc/%d/exe", (int)pid);
        g_autofree char *target = g_file_read_link(link, NULL);

        return g_strcmp0(target, AGENT_PROGRAM) == 0;
}

static void expect_in_scope(pid_t pid)
{
        _cleanup_free_ char *cgroup = NULL;

        if (pid_get_cgroup(pid, &cgroup) < 0)
                return; /* it has gone meanwhile */
        if (!strstr(cgroup, AGENT_SLICE) || !strstr(cgroup, ".scope"))
                fail("process %d: expected it in the scope of an agent, it is in %s", (int)pid, cgroup);
}

unsigned agent_process_count(void)
{
        g_auto(GStrv) names = directory_list("/proc", "");
        unsigned n = 0;

        for (char **name = names; *name; name++) {
                pid_t pid = atoi(*name);

                if (pid <= 0 || !runs_agent(pid))
                        continue;
                expect_in_scope(pid);
                n++;
        }
        return n;
}

bool kernel_tells_exits(void)
{
        _cleanup_close_ int own = pidfd_open_pid(getpid());
        int status;

        return pidfd_get_exit(own, &status) == -EAGAIN;
}

bool process_is_alive(pid_t pid)
{
        _cleanup_close_ int fd = pidfd_open_pid(pid);
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return fd >= 0 && poll(&p, 1, 0) == 0;
}

void process_wait_end(pid_t pid)
{
        _cleanup_close_ int fd = pidfd_open_pid(pid);
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (fd >= 0 && poll(&p, 1, LIMIT_SEC * 1000) == 0)
                fail("process %d: expected it to end within %d s, it has not", (int)pid, LIMIT_SEC);
}

/* Empty while the kernel is about to execute it: that it is under way is told a moment before it has one. */
static char *read_environment(pid_t pid, gsize *ret_size)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/environ", (int)pid);
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_autoptr(GError) error = NULL;
                char *text;

                if (!g_file_get_contents(path, &text, ret_size, &error))
                        fail("%s", error->message);
                if (*ret_size > 0 || g_get_monotonic_time() >= deadline)
                        return text;
                g_free(text);
                g_usleep(1000);
        }
}

void process_expect_variable(pid_t pid, const char *assignment)
{
        gsize size;
        g_autofree char *text = read_environment(pid, &size);

        for (const char *p = text; p < text + size; p += strlen(p) + 1)
                if (strcmp(p, assignment) == 0)
                        return;
        fail("environment of process %d: expected %s in it, it is not", (int)pid, assignment);
}

bool journal_has(const char *unit, const char *part)
{
        g_autofree char *invocation = NULL, *log = NULL;

        g_free(mode_command_as_root("journalctl --sync"));
        invocation = g_strstrip(systemctl("show --property=InvocationID --value %s", unit));
        log = command("journalctl --quiet --output=cat --no-pager _SYSTEMD_INVOCATION_ID=%s", invocation);
        return strstr(log, part);
}

static _Noreturn void bail_out(const char *why)
{
        printf("Bail out! %s\n", why);
        exit(EXIT_FAILURE);
}

/* What these tests do to a host nobody wants on his own machine. Its maker has put a mark on it: it is a
 * "container", or a "machine" with a kernel of its own. */
static void expect_throwaway_host(void)
{
        g_autofree char *environment = NULL;
        gsize size = 0;

        if (geteuid() != 0 || !g_file_get_contents("/proc/1/environ", &environment, &size, NULL) ||
                !memmem(environment, size, "=agenthost-host", strlen("=agenthost-host")))
                bail_out("To be run by tests/run, as root in a throwaway host");
}

static void install_agent(void)
{
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
        g_autofree char *dir = g_path_get_dirname(self);

        g_free(command("systemd-sysusers --inline 'u " AGENT_USER " - \"agents of tests\"'"));
        g_free(command("install -D --mode=0755 %s/agent " AGENT_PROGRAM, dir));
}

static void start_services(void)
{
        g_free(systemctl("start agenthostd.service"));
}

void host_prepare(void)
{
        expect_throwaway_host();
        install_agent();
        mode_prepare();
        if (!outcome_run_apart("starting the services", start_services))
                bail_out("The services do not start");
}

static void remove_files(void)
{
        g_auto(GStrv) runtimes = directory_list(mode_paths()->runtimes_dirs[0], ".runtime");
        g_autofree char *config = config_path();

        for (char **name = runtimes; *name; name++)
                if (g_str_has_prefix(*name, TEST_PREFIX))
                        runtime_remove(*name);
        (void)g_remove(config);
}

/* Their own settings and environment, whatever was done to them. Returns whether something was. */
static bool restore_services(void)
{
        bool changed = false;

        for (size_t i = 0; i < ELEMENTSOF(services); i++) {
                g_autofree char *path = unit_path(services[i]);

                if (g_remove(path) == 0)
                        changed = true;
        }
        if (changed)
                g_free(systemctl("daemon-reload"));
        return changed;
}

static void stop_agents(void)
{
        _cleanup_client_ Client *c = client_new();

        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 1u));
        sd_bus_message_unref(client_call(c, MANAGER, "Resume", ""));
}

/* Not before its settings are its own again: it asks the registry. */
static void forget_agents(void)
{
        _cleanup_client_ Client *c = client_new();

        sd_bus_message_unref(client_call(c, MANAGER, "CleanupDeadAgents", ""));
}

static void expect_nothing_in(const char *directory)
{
        g_auto(GStrv) names = directory_list(directory, "");

        if (names[0])
                fail("%s: expected it to be empty, there is %s", directory, names[0]);
}

static void expect_nothing_left(void)
{
        g_auto(GStrv) scopes = scope_list();

        if (scopes[0])
                fail("units: expected no scope of an agent, there is %s", scopes[0]);
        expect_number("processes of agents", 0, agent_process_count());
        expect_nothing_in(mode_paths()->state_dir);
        expect_nothing_in(mode_paths()->credentials_dir);
}

void host_clean(void)
{
        bool changed;

        g_free(systemctl("start dbus.socket dbus.service"));
        g_free(systemctl("start agenthost-launcher.service agenthostd.service"));
        g_free(systemctl(
                "kill --kill-whom=main --signal=SIGCONT agenthostd.service agenthost-launcher.service"));
        stop_agents();
        remove_files();
        if (!mode_is_user())
                restore_polkit();
        changed = restore_services();
        if (changed)
                g_free(systemctl("restart agenthost-launcher.service agenthostd.service"));
        else
                host_reload();
        forget_agents();
        expect_nothing_left();
}
