/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "template.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "account.h"
#include "macros.h"
#include "setup.h"

#define FD_LAST (EXECUTOR_FD_GATE + EXECUTOR_FD_COUNT - 1)

/* Everything that stays open has to be above the places of a request's descriptors: the kernel gives those
 * the lowest free numbers. */
static int open_all(int *ret_requests)
{
        int r;

        for (int fd = EXECUTOR_FD_GATE; fd <= FD_LAST; fd++)
                if (dup2(EXECUTOR_FD_REQUESTS, fd) < 0)
                        return -errno;
        *ret_requests = fcntl(EXECUTOR_FD_REQUESTS, F_DUPFD_CLOEXEC, FD_LAST + 1);
        if (*ret_requests < 0)
                return -errno;
        r = account_cache_open();
        if (r < 0)
                return r;
        return close_range(EXECUTOR_FD_GATE, FD_LAST, 0) < 0 ? -errno : 0;
}

static bool are_in_place(const int *fds, size_t size)
{
        static const int places[EXECUTOR_FD_COUNT] = { EXECUTOR_FD_GATE, EXECUTOR_FD_TEXT0,
                EXECUTOR_FD_TEXT0 + 1, EXECUTOR_FD_TEXT0 + 2, EXECUTOR_FD_TEXT0 + 3 };

        return size == sizeof(places) && memcmp(fds, places, sizeof(places)) == 0;
}

/* The size of the plan, and the descriptors of the request are in their places. 0: the launcher has gone. */
static ssize_t receive(int requests, char *plan)
{
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(EXECUTOR_FD_COUNT * sizeof(int))];
        } control;
        struct iovec iov = { plan, PLAN_SIZE_MAX };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        const struct cmsghdr *c;
        ssize_t n;

        do
                n = recvmsg(requests, &m, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 ? -errno : 0;

        c = CMSG_FIRSTHDR(&m);
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || (m.msg_flags & MSG_TRUNC) ||
                !are_in_place((const int *)(const void *)CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)))
                return -EBADMSG;
        return n;
}

/* As fork(), but a child of our parent: the C library has no call for that. Of its own knowledge of the
 * process only the thread's id is then out of date, which matters to threads and to abort(). */
static pid_t fork_for_parent(void)
{
        return (pid_t)syscall(SYS_clone, (unsigned long)CLONE_PARENT | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
}

int template_serve(BecomeAgent become_agent)
{
        static char plan[PLAN_SIZE_MAX];
        int requests = -EBADF, r;
        ssize_t n;

        r = open_all(&requests);
        if (r < 0)
                return r;
        r = setup_for_all();
        if (r < 0)
                return r;

        while ((n = receive(requests, plan)) > 0) {
                account_cache_update();
                /* When it fails, the launcher learns by the gate, which is closed here. */
                if (fork_for_parent() == 0) {
                        close(requests);
                        become_agent(plan, (size_t)n);
                }
                (void)close_range(EXECUTOR_FD_GATE, FD_LAST, 0);
        }
        return (int)n;
}
