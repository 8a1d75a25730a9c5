/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "time-util.h"

/* PID 1 is idle when it has used less CPU time than this in so much time. */
#define IDLE_CPU_USEC (2 * USEC_PER_MSEC)
#define IDLE_STEP_USEC (250 * USEC_PER_MSEC)
#define IDLE_LIMIT_USEC (120 * USEC_PER_SEC)

void die(const char *format, ...)
{
        va_list ap;

        fflush(stdout);
        fprintf(stderr, "%s: ", program_invocation_short_name);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        exit(EXIT_FAILURE);
}

void check(int r, const char *what)
{
        if (r < 0)
                die("%s: %s", what, strerror(-r));
}

static void *allocate(size_t n, size_t size)
{
        void *p = calloc(n, size);

        if (!p)
                die("Out of memory");
        return p;
}

static _Noreturn void usage(void)
{
        die("usage: %s [--name NAME] [--keep] [--anywhere] [--begin SECONDS] [--stops IN_FLIGHT] null|journal COUNT GUILDS IN_FLIGHT",
                program_invocation_name);
}

static void load_parse_options(Load *load, int argc, char *argv[])
{
        static const struct option options[] = {
                { "name", required_argument, NULL, 'n' },
                { "keep", no_argument, NULL, 'k' },
                { "anywhere", no_argument, NULL, 'a' },
                { "begin", required_argument, NULL, 'b' },
                { "stops", required_argument, NULL, 's' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'n')
                        load->name = optarg;
                else if (c == 'k')
                        load->keep = true;
                else if (c == 'a')
                        load->anywhere = true;
                else if (c == 'b')
                        load->begin_usec = strtoull(optarg, NULL, 10) * USEC_PER_SEC;
                else if (c != 's' || parse_uint(optarg, 1, 100000, &load->stops_in_flight) < 0)
                        usage();
}

void load_parse(Load *load, int argc, char *argv[])
{
        *load = (Load){ .name = "bench" };
        load_parse_options(load, argc, argv);
        argv += optind;
        if (argc - optind != 4 || (strcmp(argv[0], "null") != 0 && strcmp(argv[0], "journal") != 0) ||
                parse_uint(argv[1], 1, 1000000, &load->count) < 0 ||
                parse_uint(argv[2], 1, 100000, &load->guilds) < 0 ||
                parse_uint(argv[3], 1, 100000, &load->in_flight) < 0)
                usage();
        load->output = argv[0];
        if (load->stops_in_flight == 0)
                load->stops_in_flight = load->in_flight;
}

static uint64_t process_cpu_usec(pid_t pid)
{
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0)
                die("Process %d is not there (any more)", (int)pid);
        return now_usec(clock);
}

/* What all processes of the host together have used, those that have ended too. The machine's own hierarchy
 * begins with a cgroup that does not say, a host's does. */
static uint64_t host_cpu_usec(void)
{
        _cleanup_fclose_ FILE *f = fopen("/sys/fs/cgroup/cpu.stat", "re");
        uint64_t usec;

        if (!f || fscanf(f, "usage_usec %" SCNu64, &usec) != 1)
                die("/sys/fs/cgroup/cpu.stat does not tell: not in a host of tests/host?");
        return usec;
}

void await_idle(void)
{
        uint64_t end = now_usec(CLOCK_MONOTONIC) + IDLE_LIMIT_USEC, before, after = process_cpu_usec(1);

        do {
                if (now_usec(CLOCK_MONOTONIC) > end)
                        die("PID 1 is not idle after %" PRIu64 " s", IDLE_LIMIT_USEC / USEC_PER_SEC);
                before = after;
                usleep(IDLE_STEP_USEC);
                after = process_cpu_usec(1);
        } while (after - before > IDLE_CPU_USEC);
}

/* What the machine has been busy for, in the host and outside of it. */
static uint64_t machine_cpu_usec(void)
{
        _cleanup_fclose_ FILE *f = fopen("/proc/stat", "re");
        uint64_t user, nice, system, idle, wait, irq, softirq, steal;

        if (!f ||
                fscanf(f,
                        "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                        " %" SCNu64 " %" SCNu64,
                        &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal) != 8)
                die("/proc/stat is not as expected");
        return (user + nice + system + irq + softirq + steal) * USEC_PER_SEC /
                (uint64_t)sysconf(_SC_CLK_TCK);
}

/* dbus-broker-launch answers for the broker, which is its only child. */
static pid_t only_child(pid_t pid)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        int child, another;

        if (asprintf(&path, "/proc/%d/task/%d/children", (int)pid, (int)pid) < 0)
                die("Out of memory");
        f = fopen(path, "re");
        return f && fscanf(f, "%d %d", &child, &another) == 1 ? (pid_t)child : pid;
}

pid_t bus_process(sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t pid;

        check(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                      "org.freedesktop.DBus", "GetConnectionUnixProcessID", NULL, &reply, "s",
                      "org.freedesktop.DBus"),
                "GetConnectionUnixProcessID");
        check(sd_bus_message_read(reply, "u", &pid), "GetConnectionUnixProcessID");
        return only_child((pid_t)pid);
}

void measure_watch(Measure *m, const char *name, pid_t pid)
{
        if (m->n_watched == ELEMENTSOF(m->watched))
                die("Too many processes to watch");
        m->watched[m->n_watched++] = (struct Watched){ .name = name, .pid = pid };
}

void measure_init(Measure *m, const Load *load)
{
        *m = (Measure){
                .load = load,
                .begun_usec = allocate(load->count, sizeof(uint64_t)),
                .took_usec = allocate(load->count, sizeof(uint64_t)),
        };
        measure_watch(m, "pid1", 1);
        measure_watch(m, "self", getpid());
}

void measure_done(Measure *m)
{
        free(m->begun_usec);
        free(m->took_usec);
}

void load_await_begin(const Load *load)
{
        uint64_t now = now_usec(CLOCK_REALTIME);

        if (load->begin_usec == 0)
                return;
        if (now > load->begin_usec)
                die("The time to begin has gone by");
        usleep((useconds_t)(load->begin_usec - now));
}

void measure_start(Measure *m, unsigned in_flight)
{
        m->n_begun = m->n_done = 0;
        m->in_flight = in_flight;
        for (unsigned i = 0; i < m->n_watched; i++)
                m->watched[i].cpu_usec = process_cpu_usec(m->watched[i].pid);
        m->machine_cpu_usec = machine_cpu_usec();
        m->host_cpu_usec = host_cpu_usec();
        m->begin_usec = now_usec(CLOCK_MONOTONIC);
}

bool measure_may_begin(const Measure *m)
{
        return m->n_begun < m->load->count && m->n_begun - m->n_done < m->in_flight;
}

unsigned measure_begin(Measure *m)
{
        m->begun_usec[m->n_begun] = now_usec(CLOCK_MONOTONIC);
        return m->n_begun++;
}

void measure_end(Measure *m, unsigned number)
{
        m->took_usec[number] = now_usec(CLOCK_MONOTONIC) - m->begun_usec[number];
        m->n_done++;
}

bool measure_is_over(const Measure *m)
{
        return m->n_done == m->load->count;
}

static int compare(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

uint64_t median(uint64_t *values, size_t n)
{
        qsort(values, n, sizeof(uint64_t), compare);
        return values[(n - 1) / 2];
}

static void print_percentiles(const Measure *m, const char *prefix)
{
        static const unsigned percent[] = { 50, 90, 99 };
        unsigned n = m->load->count;

        qsort(m->took_usec, n, sizeof(uint64_t), compare);
        for (size_t i = 0; i < ELEMENTSOF(percent); i++)
                printf("%sp%u_usec %" PRIu64 "\n", prefix, percent[i],
                        m->took_usec[(n - 1) * percent[i] / 100]);
}

/* In percent of the machine. The kernel counts it in steps of 10 ms. */
static void print_others(const Measure *m, const char *prefix, uint64_t took, uint64_t host)
{
        uint64_t machine = machine_cpu_usec() - m->machine_cpu_usec,
                 others = machine > host ? machine - host : 0;

        printf("%sothers_percent %" PRIu64 "\n", prefix,
                others * 100 / (took * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN)));
}

void measure_print(const Measure *m, const char *prefix)
{
        uint64_t took = now_usec(CLOCK_MONOTONIC) - m->begin_usec;
        uint64_t host = host_cpu_usec() - m->host_cpu_usec;
        unsigned n = m->load->count;

        print_others(m, prefix, took, host);
        for (unsigned i = 0; i < m->n_watched; i++)
                printf("%scpu_%s_usec %" PRIu64 "\n", prefix, m->watched[i].name,
                        (process_cpu_usec(m->watched[i].pid) - m->watched[i].cpu_usec) / n);
        printf("%scpu_host_usec %" PRIu64 "\n", prefix, host / n);
        printf("%srate %.1f\n", prefix, (double)n * USEC_PER_SEC / (double)took);
        print_percentiles(m, prefix);
}
