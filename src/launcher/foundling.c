/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foundling.h"

#include <fcntl.h>
#include <string.h>

#include "escape.h"
#include "file-util.h"
#include "log.h"
#include "pidfd.h"

#define CHILDREN_SIZE_MAX (64u * 1024u * 1024u)

/* Executors can have made further ones until they were killed; those cannot. */
#define ROUNDS_MAX 10u

typedef struct Foundling {
        struct Foundling *next;
        Foundlings *owner;
        pid_t pid;
        int pidfd;
        sd_event_source *source; /* NULL: it is kept also when it has ended */
} Foundling;

struct Foundlings {
        sd_event *event;
        Foundling *first;
};

static void foundling_free(Foundling *f)
{
        for (Foundling **at = &f->owner->first; *at; at = &(*at)->next)
                if (*at == f) {
                        *at = f->next;
                        break;
                }
        sd_event_source_disable_unref(f->source);
        close_fd(f->pidfd);
        free(f);
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)s;
        (void)revents;

        if (pidfd_reap(fd))
                foundling_free(userdata);
        return 0;
}

/* By edges: of one that was traced there is another when it is left to us, and nothing to do until then. */
static int watch(Foundling *f)
{
        if (f->source)
                return 0;
        return sd_event_add_io(f->owner->event, &f->source, f->pidfd, EPOLLIN | EPOLLET, on_exit_event, f);
}

static Foundling *find(const Foundlings *l, pid_t pid)
{
        Foundling *f = l->first;

        while (f && f->pid != pid)
                f = f->next;
        return f;
}

/* Takes pidfd over. */
static int add(Foundlings *l, pid_t pid, int pidfd, Foundling **ret)
{
        Foundling *f = malloc(sizeof(Foundling));

        if (!f) {
                close_fd(pidfd);
                return -ENOMEM;
        }
        *f = (Foundling){ .next = l->first, .owner = l, .pid = pid, .pidfd = pidfd };
        l->first = f;
        *ret = f;
        return 0;
}

/* Also a dead one is in its cgroup, until it is reaped. An executor that is taken for an agent ends by
 * itself; the other mistake would be the end of an agent. */
static bool is_in_agent_scope(pid_t pid)
{
        _cleanup_free_ char *cgroup = NULL;
        const char *last;
        int r;

        r = pid_get_cgroup(pid, &cgroup);
        if (r < 0)
                return error_may_pass(r);
        last = strrchr(cgroup, '/');
        return last && agent_unit_is_valid(last + 1);
}

/* 1: it was an executor, or one that we leave to end by itself; 0: it was none. */
static int take_in(Foundlings *l, pid_t pid, bool is_dumper)
{
        _cleanup_close_ int pidfd = pidfd_open_pid(pid);
        bool agent;
        Foundling *f;
        int r;

        if (pidfd < 0)
                return pidfd;
        agent = is_in_agent_scope(pid);
        if (!agent && !is_dumper && pidfd_kill_and_reap(pidfd))
                return 1;

        r = add(l, pid, steal_fd(&pidfd), &f);
        if (r >= 0 && !agent)
                r = watch(f);
        return r < 0 ? r : !agent;
}

static int compare_pids(const void *a, const void *b)
{
        pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

        return (x > y) - (x < y);
}

/* Sorted. */
static int list_known(const ChildTable *known, pid_t **ret, size_t *ret_n)
{
        _cleanup_free_ Child **children = NULL;
        pid_t *pids;
        size_t n;
        int r;

        r = child_table_list(known, &children, &n);
        if (r < 0)
                return r;
        pids = calloc(n + 1, sizeof(pid_t));
        if (!pids)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                pids[i] = children[i]->pid;
        qsort(pids, n, sizeof(pid_t), compare_pids);

        *ret = pids;
        *ret_n = n;
        return 0;
}

/* Returns how many executors there were. */
static int look_around(Foundlings *l, const pid_t *known, size_t n_known, pid_t dumper)
{
        _cleanup_free_ char *text = NULL;
        char path[sizeof("/proc/self/task//children") + 3 * sizeof(pid_t)], *p, *end;
        int n = 0, r;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        r = read_file_at(AT_FDCWD, path, CHILDREN_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        for (p = text;; p = end) {
                pid_t pid = (pid_t)strtol(p, &end, 10);

                if (end == p)
                        return n;
                if (bsearch(&pid, known, n_known, sizeof(pid_t), compare_pids) || find(l, pid))
                        continue;
                r = take_in(l, pid, pid == dumper);
                if (r < 0)
                        log_error("Cannot look after process %d, a child from before the crash: %s",
                                (int)pid, strerror(-r));
                else
                        n += r;
        }
}

int foundlings_new(sd_event *event, const ChildTable *known, pid_t dumper, Foundlings **ret)
{
        _cleanup_free_ pid_t *pids = NULL;
        Foundlings *l = malloc(sizeof(Foundlings));
        size_t n_pids = 0;
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Foundlings){ .event = sd_event_ref(event) };

        r = list_known(known, &pids, &n_pids);
        for (unsigned i = 0; r >= 0 && i < ROUNDS_MAX; i++) {
                r = look_around(l, pids, n_pids, dumper);
                if (r == 0)
                        break;
        }
        if (r < 0)
                log_error("Cannot find out which children there are from before: %s", strerror(-r));

        *ret = l;
        return 0;
}

Foundlings *foundlings_free(Foundlings *l)
{
        if (!l)
                return NULL;

        while (l->first)
                foundling_free(l->first);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}

void foundlings_claim(Foundlings *l, pid_t pid)
{
        Foundling *f = find(l, pid);

        if (f)
                foundling_free(f);
}

void foundlings_settle(Foundlings *l)
{
        for (Foundling *f = l->first; f; f = f->next) {
                int r = watch(f);

                if (r < 0)
                        log_error("Cannot wait for the end of process %d: %s", (int)f->pid, strerror(-r));
        }
}
