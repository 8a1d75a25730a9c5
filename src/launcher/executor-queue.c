/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor-queue.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "macros.h"

/* As much as root's socket takes by itself. */
#define WAITING_BYTES_MAX (8u * 1024 * 1024)

typedef struct Waiting {
        struct Waiting *next;
        ExecutorRequest request; /* with a plan and descriptors of its own */
} Waiting;

struct ExecutorQueue {
        int fd; /* a copy of ours: an event loop wants one for each source */
        sd_event_source *writable; /* enabled while something waits */
        Waiting *first, **last; /* last: where the next one is put */
        size_t bytes;
};

static Waiting *waiting_free(Waiting *w)
{
        free((char *)w->request.plan);
        close_fd(w->request.gate);
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                close_fd(w->request.texts[i]);
        free(w);
        return NULL;
}

static void waiting_freep(Waiting **w)
{
        if (*w)
                *w = waiting_free(*w);
}

static int copy_fd(int fd, int *ret)
{
        *ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return *ret < 0 ? -errno : 0;
}

static int waiting_new(const ExecutorRequest *request, Waiting **ret)
{
        _cleanup_(waiting_freep) Waiting *w = malloc(sizeof(Waiting));
        char *plan;
        int r;

        if (!w)
                return -ENOMEM;

        *w = (Waiting){ .request = { .plan_size = request->plan_size, .gate = -EBADF } };
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                w->request.texts[i] = -EBADF;
        plan = malloc(request->plan_size);
        if (!plan)
                return -ENOMEM;
        w->request.plan = memcpy(plan, request->plan, request->plan_size);

        r = copy_fd(request->gate, &w->request.gate);
        for (size_t i = 0; r >= 0 && i < AGENT_TEXT_COUNT; i++)
                r = copy_fd(request->texts[i], &w->request.texts[i]);
        if (r < 0)
                return r;

        *ret = steal_ptr(w);
        return 0;
}

static int send_now(int requests, const ExecutorRequest *request)
{
        const int fds[EXECUTOR_FD_COUNT] = { request->gate, request->texts[0], request->texts[1],
                request->texts[2], request->texts[3] };
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(fds))];
        } control = { .header = { .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(sizeof(fds)) } };
        struct iovec iov = { (char *)request->plan, request->plan_size };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
        return sendmsg(requests, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void remove_first(ExecutorQueue *q)
{
        Waiting *w = q->first;

        q->first = w->next;
        if (!q->first)
                q->last = &q->first;
        q->bytes -= w->request.plan_size;
        waiting_free(w);
}

static int on_writable(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ExecutorQueue *q = userdata;

        (void)revents;

        while (q->first) {
                int r = send_now(fd, &q->first->request);

                if (r == -EAGAIN)
                        return 0;
                if (r < 0)
                        log_error("Cannot ask agenthost-executor: %s", strerror(-r));
                remove_first(q);
        }
        return sd_event_source_set_enabled(s, SD_EVENT_OFF);
}

static int keep(ExecutorQueue *q, const ExecutorRequest *request)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        int r;

        if (q->bytes + request->plan_size > WAITING_BYTES_MAX)
                return -EAGAIN;

        r = waiting_new(request, &w);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(q->writable, SD_EVENT_ON);
        if (r < 0)
                return r;

        q->bytes += request->plan_size;
        *q->last = w;
        q->last = &w->next;
        w = NULL;
        return 0;
}

int executor_queue_send(ExecutorQueue *q, const ExecutorRequest *request)
{
        int r = q->first ? -EAGAIN : send_now(q->fd, request);

        return r == -EAGAIN ? keep(q, request) : r;
}

int executor_queue_new(sd_event *event, int fd, ExecutorQueue **ret)
{
        ExecutorQueue *q = malloc(sizeof(ExecutorQueue));
        int r;

        if (!q)
                return -ENOMEM;

        *q = (ExecutorQueue){ .fd = -EBADF };
        q->last = &q->first;
        r = copy_fd(fd, &q->fd);
        if (r >= 0)
                r = sd_event_add_io(event, &q->writable, q->fd, EPOLLOUT, on_writable, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->writable, SD_EVENT_OFF);
        if (r < 0) {
                executor_queue_free(q);
                return r;
        }

        *ret = q;
        return 0;
}

ExecutorQueue *executor_queue_free(ExecutorQueue *q)
{
        if (!q)
                return NULL;

        while (q->first)
                remove_first(q);
        sd_event_source_disable_unref(q->writable);
        close_fd(q->fd);
        free(q);
        return NULL;
}
