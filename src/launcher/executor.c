/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor.h"

#include <assert.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "executor-queue.h"
#include "log.h"
#include "macros.h"
#include "pidfd.h"
#include "time-util.h"

/* Room for some thousands of requests. */
#define REQUESTS_BYTES (8 * 1024 * 1024)

/* Each has one launch in hand until the agent is executed, so that this is how many scopes systemd is asked
 * for at the same time. The more there are, the more each side finds to do when it wakes up: with 16 a
 * launch costs a tenth more. */
#define WORKERS_MAX 64u

/* How long those that a burst needed stay. */
#define RETIRE_USEC (10 * USEC_PER_SEC)

typedef struct Worker {
        Executor *executor;
        int pidfd; /* -EBADF: there is none */
        sd_event_source *exit_source;
        bool retired; /* it is about to end, or waits to be reaped */
} Worker;

struct Executor {
        sd_event *event;
        const char *path;
        int requests; /* our end */
        ExecutorQueue *queue; /* into it */
        int theirs; /* all workers read the same one, each request is read by one of them */
        Worker workers[WORKERS_MAX];
        sd_event_source *hello_source;
        unsigned n_workers; /* without retired ones */
        unsigned n_asked; /* further ones that have been asked for and have not said their pids yet */
        unsigned n_pending; /* requests that have not been released */
        sd_event_source *retire_timer;
};

static void release_worker(Worker *w)
{
        w->exit_source = sd_event_source_disable_unref(w->exit_source);
        w->pidfd = close_fd(w->pidfd);
        w->retired = false;
}

static void retire_worker(Worker *w)
{
        if (!w->retired)
                w->executor->n_workers--;
        w->retired = true;
}

/* Ends it, if it has not ended. One that is traced keeps its place until it can be reaped. */
static void drop_worker(Worker *w)
{
        if (w->pidfd < 0)
                return;

        retire_worker(w);
        if (pidfd_kill_and_reap(w->pidfd) || !w->exit_source)
                release_worker(w);
}

static int spawn_worker(const char *path, int requests, pid_t *ret_pid)
{
        /* Nothing of our own environment. The one setting is for the lookup of users: no agent runs as a
         * user that systemd has made up for a service, so PID 1, which has to make the scope meanwhile, is
         * not to be asked for these. */
        static char setting[] = "SYSTEMD_NSS_DYNAMIC_BYPASS=1";
        char *const environment[] = { setting, NULL }, *const arguments[] = { (char *)path, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -r;
        }

        sigemptyset(&none);
        r = posix_spawn_file_actions_adddup2(&actions, requests, EXECUTOR_FD_REQUESTS);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawn(ret_pid, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static Worker *find_free(Executor *e)
{
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (e->workers[i].pidfd < 0)
                        return &e->workers[i];
        return NULL;
}

/* The process is a child of ours: watched over from now on, or ended. */
static int add_worker(Executor *e, pid_t pid)
{
        Worker *w = find_free(e);
        int pidfd = w ? pidfd_open_pid(pid) : -EMFILE, r;

        if (pidfd < 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                return pidfd;
        }

        e->n_workers++;
        w->pidfd = pidfd;
        r = sd_event_add_io(
                e->event, &w->exit_source, w->pidfd, EPOLLIN | EPOLLET, on_exit_event, w); /* pidfd_reap() */
        if (r < 0)
                drop_worker(w);
        return r;
}

static int start_worker(Executor *e)
{
        pid_t pid = 0;
        int r;

        r = spawn_worker(e->path, e->theirs, &pid);
        return r < 0 ? r : add_worker(e, pid);
}

/* To make one of another costs a fifth of starting it. */
static int on_hello(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Executor *e = userdata;
        int32_t pid;
        int r;

        (void)s;
        (void)revents;

        if (recv(fd, &pid, sizeof(pid), MSG_DONTWAIT) != sizeof(pid) || pid <= 0)
                return 0;

        if (e->n_asked > 0)
                e->n_asked--;
        r = add_worker(e, pid);
        if (r < 0)
                log_warning("A further agenthost-executor cannot be watched over, going on without it: %s",
                        strerror(-r));
        return 0;
}

/* One for each request in hand, as far as there may be so many. A negative errno only when there is none at
 * all. */
static int ensure_workers(Executor *e)
{
        if (e->n_pending > 0 && e->n_workers == 0) {
                int r = start_worker(e);

                if (r < 0)
                        return r;
                e->n_asked = 0;
        }

        if (e->n_pending > e->n_workers + e->n_asked && e->n_workers + e->n_asked < WORKERS_MAX &&
                send(e->requests, EXECUTOR_MORE, sizeof(EXECUTOR_MORE), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
                e->n_asked++;
        return 0;
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Worker *w = userdata;
        int r;

        (void)s;
        (void)fd;
        (void)revents;

        if (!w->retired)
                log_warning("agenthost-executor has ended; it is started again when it is needed");
        drop_worker(w);
        /* What it has not read is for another. */
        r = ensure_workers(w->executor);
        if (r < 0)
                log_error("Cannot start %s: %s", w->executor->path, strerror(-r));
        return 0;
}

/* A user's launcher gets what the system allows (net.core.wmem_max); more waits in the queue. */
static int make_room(int requests)
{
        const int size = REQUESTS_BYTES;

        if (setsockopt(requests, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 &&
                (errno != EPERM || setsockopt(requests, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0))
                return -errno;
        return 0;
}

static int open_requests(Executor *e)
{
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        e->requests = pair[0];
        e->theirs = pair[1];
        r = make_room(e->requests);
        if (r < 0)
                return r;
        r = executor_queue_new(e->event, e->requests, &e->queue);
        if (r < 0)
                return r;
        return sd_event_add_io(e->event, &e->hello_source, e->requests, EPOLLIN, on_hello, e);
}

int executor_request(Executor *e, const ExecutorRequest *request)
{
        int r;

        if (request->plan_size > PLAN_SIZE_MAX)
                return -E2BIG;
        if (!e->queue)
                return -EPIPE;

        e->n_pending++;
        e->retire_timer = sd_event_source_disable_unref(e->retire_timer);
        r = ensure_workers(e);
        if (r >= 0)
                r = executor_queue_send(e->queue, request);
        if (r < 0)
                e->n_pending--;
        return r;
}

/* All are idle. They are reaped when their exits are seen. */
static int on_retire(sd_event_source *s, uint64_t usec, void *userdata)
{
        Executor *e = userdata;

        (void)s;
        (void)usec;

        e->retire_timer = sd_event_source_disable_unref(e->retire_timer);
        for (size_t i = 0; i < WORKERS_MAX && e->n_workers > 1; i++) {
                Worker *w = &e->workers[i];

                if (w->pidfd < 0 || w->retired || pidfd_signal(w->pidfd, SIGKILL) < 0)
                        continue;
                retire_worker(w);
        }
        return 0;
}

void executor_release(Executor *e)
{
        assert(e->n_pending > 0);
        e->n_pending--;

        if (e->n_pending == 0 && e->n_workers > 1 && !e->retire_timer)
                (void)sd_event_add_time_relative(e->event, &e->retire_timer, CLOCK_MONOTONIC, RETIRE_USEC,
                        RETIRE_USEC / 10, on_retire, e);
}

unsigned executor_in_hand(const Executor *e)
{
        return e->n_pending;
}

int executor_new(sd_event *event, const char *path, Executor **ret)
{
        _cleanup_(executor_freep) Executor *e = malloc(sizeof(Executor));
        int r;

        if (!e)
                return -ENOMEM;

        *e = (Executor){ .event = sd_event_ref(event), .path = path, .requests = -EBADF, .theirs = -EBADF };
        for (size_t i = 0; i < WORKERS_MAX; i++)
                e->workers[i] = (Worker){ .executor = e, .pidfd = -EBADF };
        r = open_requests(e);
        if (r < 0)
                return r;

        /* The first agent is not to wait for it. */
        r = start_worker(e);
        if (r < 0)
                log_error("Cannot start %s, trying again for the first agent: %s", path, strerror(-r));
        *ret = steal_ptr(e);
        return 0;
}

/* Those that have been made of others may not have been heard of yet. */
static void drop_all(Executor *e)
{
        int32_t pid;

        for (size_t i = 0; i < WORKERS_MAX; i++)
                drop_worker(&e->workers[i]);
        while (e->requests >= 0 && recv(e->requests, &pid, sizeof(pid), MSG_DONTWAIT) == sizeof(pid) &&
                pid > 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
        }

        e->hello_source = sd_event_source_disable_unref(e->hello_source);
        e->queue = executor_queue_free(e->queue);
        e->requests = close_fd(e->requests);
        e->theirs = close_fd(e->theirs);
        e->n_asked = 0;
}

int executor_restart(Executor *e)
{
        drop_all(e);
        return open_requests(e);
}

Executor *executor_free(Executor *e)
{
        if (!e)
                return NULL;

        drop_all(e);
        for (size_t i = 0; i < WORKERS_MAX; i++)
                release_worker(&e->workers[i]);
        sd_event_source_disable_unref(e->retire_timer);
        sd_event_unref(e->event);
        free(e);
        return NULL;
}

void executor_freep(Executor **e)
{
        *e = executor_free(*e);
}

int executor_report_text(const ExecutorReport *report, char **ret)
{
        const char *step = executor_step_name(report->step), *error = strerror(report->error);
        bool name = report->step == EXECUTOR_STEP_USER || report->step == EXECUTOR_STEP_GROUP;
        int n;

        if (name && report->error == ESRCH)
                error = "there is none of this name";

        n = report->subject[0] ? asprintf(ret, "%s %s: %s", step, report->subject, error)
                               : asprintf(ret, "%s: %s", step, error);
        return n < 0 ? -ENOMEM : 0;
}
