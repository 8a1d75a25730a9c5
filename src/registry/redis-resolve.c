/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-resolve.h"

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#define THREADS_MAX 4u

/* Of the thread and of the one who waits; whoever lets it go last frees it. */
typedef struct Job {
        atomic_uint n_owners;
        char *host;
        char service[8];
        int done_fd; /* eventfd: what follows is there */
        int error, system_errno;
        struct addrinfo *addresses;
} Job;

struct RedisResolve {
        Job *job;
        sd_event_source *source;
        RedisResolved done;
        void *userdata;
};

static atomic_uint n_threads;

static void job_release(Job *job)
{
        if (atomic_fetch_sub(&job->n_owners, 1) > 1)
                return;

        if (job->addresses)
                freeaddrinfo(job->addresses);
        close_fd(job->done_fd);
        g_free(job->host);
        g_free(job);
}

static void *look_up(void *userdata)
{
        static const struct addrinfo hints = {
                .ai_socktype = SOCK_STREAM,
                .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
        };
        const uint64_t one = 1;
        Job *job = userdata;

        job->error = getaddrinfo(job->host, job->service, &hints, &job->addresses);
        job->system_errno = errno;
        if (write(job->done_fd, &one, sizeof(one)) < 0)
                abort(); /* an eventfd of our own takes it */
        job_release(job);
        atomic_fetch_sub(&n_threads, 1);
        return NULL;
}

/* Signals are the main thread's. */
static int start_thread(Job *job)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, look_up, job);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return -r;
}

/* Fills job in place of the thread if that needs no question to anybody. */
static bool is_in_digits(Job *job)
{
        static const struct addrinfo hints = {
                .ai_socktype = SOCK_STREAM,
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
        };
        const uint64_t one = 1;

        if (getaddrinfo(job->host, job->service, &hints, &job->addresses) != 0)
                return false;
        return write(job->done_fd, &one, sizeof(one)) == sizeof(one);
}

static int job_start(Job *job)
{
        int r;

        if (is_in_digits(job))
                return 0;
        if (atomic_fetch_add(&n_threads, 1) >= THREADS_MAX) {
                atomic_fetch_sub(&n_threads, 1);
                return -EAGAIN;
        }
        atomic_fetch_add(&job->n_owners, 1);
        r = start_thread(job);
        if (r < 0) {
                atomic_fetch_sub(&job->n_owners, 1);
                atomic_fetch_sub(&n_threads, 1);
        }
        return r;
}

RedisResolve *redis_resolve_free(RedisResolve *resolve)
{
        if (!resolve)
                return NULL;

        sd_event_source_disable_unref(resolve->source);
        job_release(resolve->job);
        g_free(resolve);
        return NULL;
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        RedisResolve *resolve = userdata;
        Job *job = resolve->job;

        (void)fd;
        (void)revents;

        (void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
        errno = job->system_errno;
        resolve->done(job->error, steal_ptr(job->addresses), resolve->userdata);
        return 0;
}

int redis_resolve_start(sd_event *event,
        const char *host,
        unsigned port,
        RedisResolved done,
        void *userdata,
        RedisResolve **ret)
{
        RedisResolve *resolve = g_new0(RedisResolve, 1);
        Job *job = g_new0(Job, 1);
        int r;

        *resolve = (RedisResolve){ .job = job, .done = done, .userdata = userdata };
        atomic_init(&job->n_owners, 1);
        job->host = g_strdup(host);
        (void)snprintf(job->service, sizeof(job->service), "%u", port);
        job->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        r = job->done_fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &resolve->source, job->done_fd, EPOLLIN, on_done, resolve);
        if (r >= 0)
                r = job_start(job);
        if (r < 0) {
                redis_resolve_free(resolve);
                return r;
        }

        *ret = resolve;
        return 0;
}
