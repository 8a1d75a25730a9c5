/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor: what a program pays that does nothing but start processes in transient scopes of their own, in
 * the cheapest way there is: posix_spawn, and StartTransientUnit over systemd's private socket. No checks,
 * no gate, no user, nothing kept. And what one pays that ends them with KillUnit, until systemd says that
 * the scope is gone. */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>

#include "measure.h"
#include "time-util.h"

#define MANAGER_ADDRESS "unix:path=/run/systemd/private"
#define CALL_LIMIT_USEC (60 * USEC_PER_SEC)
#define SCOPE_FORMAT "agent-bare%u.scope"
#define SLICE_FORMAT "agents-bare%u.slice"

/* As tests/bench/run writes it into the runtimes. */
static char *const agent[] = { (char *)"/usr/bin/sleep", (char *)"infinity", NULL };

typedef struct Bare {
        sd_bus *bus;
        const Load *load;
        Measure measure;
        pid_t *pids;
        bool stopping;
        int null_fd;
} Bare;

static int open_output(const Bare *b)
{
        int fd;

        if (strcmp(b->load->output, "null") == 0)
                return b->null_fd;
        fd = sd_journal_stream_fd("sleep", 6, 1);
        check(fd, "Cannot open a journal stream");
        return fd;
}

static pid_t spawn(const Bare *b)
{
        char *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        int output = open_output(b), r;
        pid_t pid = 0;

        r = posix_spawn_file_actions_init(&actions);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, b->null_fd, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn(&pid, agent[0], &actions, NULL, agent, environment);
        check(-r, "posix_spawn");

        posix_spawn_file_actions_destroy(&actions);
        if (output != b->null_fd)
                close(output);
        return pid;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *member = userdata;

        (void)ret_error;

        if (error)
                die("%s: %s", member, error->message);
        return 0;
}

#define START "StartTransientUnit"
#define KILL "KillUnit"

static void start_scope(const Bare *b, unsigned launch)
{
        char scope[64], slice[64];

        snprintf(scope, sizeof(scope), SCOPE_FORMAT, launch);
        snprintf(slice, sizeof(slice), SLICE_FORMAT, launch % b->load->guilds);
        check(sd_bus_call_method_async(b->bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                      "org.freedesktop.systemd1.Manager", START, on_answer, (void *)START,
                      "ssa(sv)a(sa(sv))", scope, "replace", 4, "PIDs", "au", 1, (uint32_t)b->pids[launch],
                      "Slice", "s", slice, "Description", "s", "Agent of a benchmark", "CollectMode", "s",
                      "inactive-or-failed", 0),
                START);
}

static void begin_launches(Bare *b)
{
        while (measure_may_begin(&b->measure)) {
                unsigned launch = measure_begin(&b->measure);

                b->pids[launch] = spawn(b);
                start_scope(b, launch);
        }
}

static bool read_launch(const Bare *b, const char *unit, unsigned *ret)
{
        return sscanf(unit, SCOPE_FORMAT, ret) == 1 && strstr(unit, ".scope") && *ret < b->load->count;
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const char *unit, *result;
        Bare *b = userdata;
        unsigned launch;

        (void)ret_error;

        check(sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result), "JobRemoved");
        if (!read_launch(b, unit, &launch))
                return 0;
        if (strcmp(result, "done") != 0)
                die("The start of %s ended as '%s'", unit, result);
        measure_end(&b->measure, launch);
        begin_launches(b);
        return 0;
}

static void begin_stops(Bare *b)
{
        while (measure_may_begin(&b->measure)) {
                char scope[64];

                snprintf(scope, sizeof(scope), SCOPE_FORMAT, measure_begin(&b->measure));
                check(sd_bus_call_method_async(b->bus, NULL, "org.freedesktop.systemd1",
                              "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", KILL,
                              on_answer, (void *)KILL, "ssi", scope, "all", SIGTERM),
                        KILL);
        }
}

static int on_unit_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const char *unit;
        Bare *b = userdata;
        unsigned launch;

        (void)ret_error;

        check(sd_bus_message_read(message, "so", &unit, NULL), "UnitRemoved");
        if (!read_launch(b, unit, &launch))
                return 0;
        if (!b->stopping)
                die("%s has ended by itself", unit);
        measure_end(&b->measure, launch);
        begin_stops(b);
        return 0;
}

static void connect_manager(Bare *b)
{
        static const char job_removed[] =
                "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
        static const char unit_removed[] =
                "type='signal',interface='org.freedesktop.systemd1.Manager',member='UnitRemoved'";

        check(sd_bus_new(&b->bus), "sd_bus_new");
        check(sd_bus_set_address(b->bus, MANAGER_ADDRESS), MANAGER_ADDRESS);
        check(sd_bus_add_match(b->bus, NULL, job_removed, on_job_removed, b), "JobRemoved");
        check(sd_bus_add_match(b->bus, NULL, unit_removed, on_unit_removed, b), "UnitRemoved");
        check(sd_bus_start(b->bus), MANAGER_ADDRESS);
}

static void process_until(Bare *b, bool (*is_over)(const Bare *b))
{
        while (!is_over(b)) {
                int r = sd_bus_process(b->bus, NULL);

                check(r, "sd_bus_process");
                if (r > 0)
                        continue;
                r = sd_bus_wait(b->bus, CALL_LIMIT_USEC);
                check(r, "sd_bus_wait");
                if (r == 0)
                        die("systemd has been silent for a minute");
        }
}

static bool all_are_done(const Bare *b)
{
        return measure_is_over(&b->measure);
}

static void launch_all(Bare *b)
{
        await_idle();
        load_await_begin(b->load);
        measure_start(&b->measure, b->load->in_flight);
        begin_launches(b);
        process_until(b, all_are_done);
        measure_print(&b->measure, "");
}

static void stop_all(Bare *b)
{
        b->stopping = true;
        await_idle();
        measure_start(&b->measure, b->load->stops_in_flight);
        begin_stops(b);
        process_until(b, all_are_done);
        measure_print(&b->measure, "stop_");

        for (unsigned i = 0; i < b->load->count; i++)
                if (waitpid(b->pids[i], NULL, 0) < 0)
                        die("Process %d: %m", (int)b->pids[i]);
}

static void watch_bus(Bare *b)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        check(sd_bus_open_system(&bus), "Cannot connect to the system bus");
        measure_watch(&b->measure, "broker", bus_process(bus));
}

int main(int argc, char *argv[])
{
        Bare b = { 0 };
        Load load;

        load_parse(&load, argc, argv);
        if (load.keep)
                die("Whoever keeps agents has to be there for them: this program does not");
        b.load = &load;
        measure_init(&b.measure, &load);
        watch_bus(&b);
        b.pids = calloc(load.count, sizeof(pid_t));
        b.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (!b.pids || b.null_fd < 0)
                die("Cannot prepare: %m");
        connect_manager(&b);

        launch_all(&b);
        stop_all(&b);
        await_idle();
        sd_bus_close_unref(b.bus);
        measure_done(&b.measure);
        free(b.pids);
        close(b.null_fd);
        return EXIT_SUCCESS;
}
