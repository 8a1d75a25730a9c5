/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "macros.h"
#include "setup.h"

#define FD_LAST (EXECUTOR_FD_GATE + EXECUTOR_FD_COUNT - 1)
#define STACK_SIZE (256u * 1024u)

/* Copying our memory for each agent, only to drop the copy on exec, costs more than everything else that is
 * to be done: the agent's process uses ours until then, as with vfork(). Sanitizers keep account of stacks
 * in the same memory, and cannot follow. */
#ifdef __SANITIZE_ADDRESS__
#define SHARED_MEMORY 0
#else
#define SHARED_MEMORY CLONE_VM
#endif

/* Everything that stays open has to be above the places of a request's descriptors: the kernel gives those
 * the lowest free numbers. */
static int open_all(int *ret_requests)
{
        for (int fd = EXECUTOR_FD_GATE; fd <= FD_LAST; fd++)
                if (dup2(EXECUTOR_FD_REQUESTS, fd) < 0)
                        return -errno;
        *ret_requests = fcntl(EXECUTOR_FD_REQUESTS, F_DUPFD_CLOEXEC, FD_LAST + 1);
        if (*ret_requests < 0)
                return -errno;
        return close_range(EXECUTOR_FD_GATE, FD_LAST, 0) < 0 ? -errno : 0;
}

static bool are_in_place(const int *fds, size_t size)
{
        static const int places[EXECUTOR_FD_COUNT] = { EXECUTOR_FD_GATE, EXECUTOR_FD_TEXT0,
                EXECUTOR_FD_TEXT0 + 1, EXECUTOR_FD_TEXT0 + 2, EXECUTOR_FD_TEXT0 + 3 };

        return size == sizeof(places) && memcmp(fds, places, sizeof(places)) == 0;
}

/* The size of the plan, and the descriptors of the request are in their places; or of EXECUTOR_MORE, without
 * any. 0: the launcher has gone. */
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
        if (!c && n == sizeof(EXECUTOR_MORE) && memcmp(plan, EXECUTOR_MORE, sizeof(EXECUTOR_MORE)) == 0)
                return n;
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || (m.msg_flags & MSG_TRUNC) ||
                !are_in_place((const int *)(const void *)CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)))
                return -EBADMSG;
        return n;
}

static int agent_main(void *userdata)
{
        const WorkerSteps *steps = userdata;

        steps->become_agent();
        return EXIT_FAILURE;
}

/* Returns when the agent is executed, or has ended. It is a child of our parent. When it fails, the launcher
 * learns by the gate, which closes. */
static void make_agent(const WorkerSteps *steps)
{
        static char stack[STACK_SIZE] __attribute__((aligned(16)));

        (void)clone(agent_main, stack + sizeof(stack), SHARED_MEMORY | CLONE_VFORK | CLONE_PARENT | SIGCHLD,
                (void *)steps);
}

/* As fork(), but a child of our parent: the C library has no call for that. Of its own knowledge of the
 * process only the thread's id is then out of date, which matters to threads and to abort(). */
static pid_t fork_for_parent(void)
{
        return (pid_t)syscall(SYS_clone, (unsigned long)CLONE_PARENT | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
}

/* Should it fail, there are as many as before. */
static void make_worker(int requests)
{
        int32_t pid;

        if (fork_for_parent() != 0)
                return;

        pid = getpid();
        if (send(requests, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid))
                _exit(EXIT_FAILURE);
}

static void serve_request(const WorkerSteps *steps, const char *plan, size_t size)
{
        steps->prepare(plan, size);
        make_agent(steps);
        (void)close_range(EXECUTOR_FD_GATE, FD_LAST, 0);
        steps->clean_up();
}

int worker_serve(const WorkerSteps *steps)
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

        while ((n = receive(requests, plan)) > 0)
                if (strcmp(plan, EXECUTOR_MORE) == 0)
                        make_worker(requests);
                else
                        serve_request(steps, plan, (size_t)n);
        return (int)n;
}
