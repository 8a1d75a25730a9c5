/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-discovery COUNT: what discovery costs.
 *
 * - The recorded list of 5,000 endpoints is taken in so many times, and as often json-c makes its objects of
 * the same bytes: from the text until they are gone and the hosts are there, sorted.
 * - agenthostd watches an API server of this program's own, with 1,000 hosts, where nothing changes: how
 *   often it wakes up, and the processor's time that takes, without bookmarks, and for each of some.
 *
 * Prints "NAME VALUE": times in microseconds. */

#include <glib.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kube-event.h"
#include "kube-hosts.h"
#include "kube-store.h"
#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "recorded.h"
#include "time-util.h"

#define COUNT_MAX 1000u
#define N_ENDPOINTS 5000u

#define QUIET_SEC 20u
#define N_BOOKMARKS 50u
#define BOOKMARK_USEC 100000u /* from one to the next */

/* In no time that matters here. */
#define NEVER_MSEC (24u * 3600u * 1000u)

static uint64_t parsed[COUNT_MAX], taken[COUNT_MAX];

/* -- A list -- */

static uint64_t parse_bare(const char *text, size_t size)
{
        struct json_tokener *tokener = json_tokener_new();
        uint64_t begin = now_usec(CLOCK_MONOTONIC), took;
        struct json_object *o = json_tokener_parse_ex(tokener, text, (int)size);

        if (!o)
                die("json-c does not take the list");
        json_object_put(o);
        took = now_usec(CLOCK_MONOTONIC) - begin;
        json_tokener_free(tokener);
        return took;
}

/* What the watch does when a page has come (kube-watch-list.c). */
static uint64_t take_in(const char *text, size_t size)
{
        static const KubeTarget target = { .namespace = "big", .service = "big-svc", .port = 50051 };
        KubeStore *store = kube_store_new(&kube_slices, &target);
        uint64_t begin = now_usec(CLOCK_MONOTONIC), took;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubePage page = { 0 };
        HostList *hosts;
        int r;

        kube_store_begin(store);
        r = kube_page_parse(text, size, &page, &fault);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(page.items); i++)
                r = kube_store_put(store, json_object_array_get_idx(page.items, i), &fault);
        if (r < 0)
                die("%s", fault_text(&fault));
        kube_store_commit(store);
        hosts = kube_store_hosts(store);
        kube_page_done(&page);
        took = now_usec(CLOCK_MONOTONIC) - begin;

        if (hosts->n != N_ENDPOINTS)
                die("%zu hosts instead of %u", hosts->n, N_ENDPOINTS);
        host_list_free(hosts);
        kube_store_free(store);
        return took;
}

typedef uint64_t (*ListWork)(const char *text, size_t size);

static uint64_t apart(ListWork work, const char *text, size_t size)
{
        uint64_t took = 0;
        int ends[2], status;
        pid_t pid;

        if (pipe(ends) < 0)
                die("no pipe");
        pid = fork();
        if (pid == 0) {
                took = work(text, size);
                _exit(write(ends[1], &took, sizeof(took)) == sizeof(took) ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        close(ends[1]);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
                read(ends[0], &took, sizeof(took)) != sizeof(took))
                die("a list was not read");
        close(ends[0]);
        return took;
}

static void print_list(const char *prefix, unsigned count)
{
        printf("%sparse_usec %" PRIu64 "\n%stake_in_usec %" PRIu64 "\n", prefix, median(parsed, count),
                prefix, median(taken, count));
        /* Forked processes are not to print it too. */
        fflush(stdout);
}

static void measure_list(unsigned count)
{
        g_autofree char *text = NULL;
        gsize size;

        text = recorded_load_big_list(&size);
        for (unsigned i = 0; i < count; i++) {
                parsed[i] = apart(parse_bare, text, size);
                taken[i] = apart(take_in, text, size);
        }
        print_list("", count);

        /* In memory that the same work has used before: each leaves it in an order of its own. */
        for (unsigned i = 0; i < count; i++)
                parsed[i] = parse_bare(text, size);
        for (unsigned i = 0; i < count; i++)
                taken[i] = take_in(text, size);
        print_list("again_", count);
}

/* -- A watch where nothing changes -- */

typedef struct Spent {
        uint64_t n_wakeups, cpu_usec;
} Spent;

static pid_t agenthostd_pid(sd_bus *bus)
{
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        pid_t pid;

        check(sd_bus_get_name_creds(bus, BUS_NAME, SD_BUS_CREDS_PID, &creds), "agenthostd");
        check(sd_bus_creds_get_pid(creds, &pid), "agenthostd");
        return pid;
}

static uint64_t count_wakeups_of(const char *status_path)
{
        g_autofree char *text = NULL;
        const char *found;

        /* A thread may have ended. */
        if (!g_file_get_contents(status_path, &text, NULL, NULL))
                return 0;
        found = strstr(text, "\nvoluntary_ctxt_switches:");
        return found ? g_ascii_strtoull(found + strlen("\nvoluntary_ctxt_switches:"), NULL, 10) : 0;
}

/* Of all threads since they began: a thread goes to sleep as often as it wakes up. */
static Spent spent(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)pid);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        Spent s = { 0 };
        const char *thread;
        clockid_t clock;

        if (!dir || clock_getcpuclockid(pid, &clock) != 0)
                die("agenthostd has gone");
        while ((thread = g_dir_read_name(dir))) {
                g_autofree char *status_path = g_strdup_printf("%s/%s/status", path, thread);

                s.n_wakeups += count_wakeups_of(status_path);
        }
        s.cpu_usec = now_usec(clock);
        return s;
}

static Spent spent_since(pid_t pid, const Spent *before)
{
        Spent now = spent(pid);

        return (Spent){ now.n_wakeups - before->n_wakeups, now.cpu_usec - before->cpu_usec };
}

static void measure_quiet_watch(void)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        g_autoptr(FakeKube) kube = fake_kube_new();
        Spent before, quiet, marked;
        pid_t pid;

        fake_kube_set_bookmarks(kube, NEVER_MSEC);
        kube_hosts_put(kube);
        kube_hosts_configure(kube, "");
        check(sd_bus_open_system(&bus), "the bus");
        kube_hosts_await(bus, "HostCount", 'u', KUBE_HOSTS_TEXT);
        pid = agenthostd_pid(bus);
        /* It says on the bus what has changed. */
        sleep(1);

        before = spent(pid);
        sleep(QUIET_SEC);
        quiet = spent_since(pid, &before);

        before = spent(pid);
        for (unsigned i = 0; i < N_BOOKMARKS; i++) {
                fake_kube_bookmark(kube);
                g_usleep(BOOKMARK_USEC);
        }
        marked = spent_since(pid, &before);

        printf("quiet_wakeups %" PRIu64 "\nquiet_cpu_usec %" PRIu64
               "\nbookmarks %u\nbookmark_wakeups %" PRIu64 "\nbookmark_cpu_usec %" PRIu64 "\n",
                quiet.n_wakeups, quiet.cpu_usec, N_BOOKMARKS, marked.n_wakeups, marked.cpu_usec);
        kube_hosts_unconfigure();
}

int main(int argc, char *argv[])
{
        unsigned count;

        if (argc != 2 || parse_uint(argv[1], 1, COUNT_MAX, &count) < 0)
                die("usage: bench-discovery COUNT");
        measure_list(count);
        measure_quiet_watch();
        return EXIT_SUCCESS;
}
