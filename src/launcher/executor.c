/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "log.h"
#include "macros.h"
#include "pidfd.h"

/* Room for some thousands of requests. */
#define REQUESTS_BYTES (8 * 1024 * 1024)

struct Executor {
        sd_event *event;
        const char *path;
        int requests; /* -EBADF while there is no template */
        int pidfd;
        sd_event_source *exit_source;
};

static void drop_template(Executor *e)
{
        siginfo_t info;

        e->exit_source = sd_event_source_disable_unref(e->exit_source);
        e->requests = close_fd(e->requests);
        if (e->pidfd >= 0) {
                (void)pidfd_signal(e->pidfd, SIGKILL);
                (void)waitid(P_PIDFD, (id_t)e->pidfd, &info, WEXITED);
        }
        e->pidfd = close_fd(e->pidfd);
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Executor *e = userdata;

        (void)s;
        (void)fd;
        (void)revents;

        log_warning("agenthost-executor has ended; it is started again for the next agent");
        drop_template(e);
        return 0;
}

static int spawn_template(const char *path, int requests, pid_t *ret_pid)
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

static int watch_template(Executor *e, pid_t pid)
{
        e->pidfd = pidfd_open_pid(pid);
        if (e->pidfd < 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                return e->pidfd;
        }
        return sd_event_add_io(e->event, &e->exit_source, e->pidfd, EPOLLIN, on_exit_event, e);
}

static int start_template(Executor *e)
{
        _cleanup_close_ int theirs = -EBADF;
        const int size = REQUESTS_BYTES;
        pid_t pid = 0;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        e->requests = pair[0];
        theirs = pair[1];

        if (setsockopt(e->requests, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
                r = -errno;
        else
                r = spawn_template(e->path, theirs, &pid);
        if (r >= 0)
                r = watch_template(e, pid);
        if (r < 0)
                drop_template(e);
        return r;
}

static int send_request(int requests, const ExecutorRequest *request)
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

int executor_request(Executor *e, const ExecutorRequest *request)
{
        int r = -EPIPE;

        if (request->plan_size > PLAN_SIZE_MAX)
                return -E2BIG;
        if (e->requests >= 0)
                r = send_request(e->requests, request);
        if (r != -EPIPE && r != -ECONNRESET)
                return r;

        drop_template(e);
        r = start_template(e);
        if (r < 0)
                return r;
        return send_request(e->requests, request);
}

int executor_new(sd_event *event, const char *path, Executor **ret)
{
        Executor *e = malloc(sizeof(Executor));
        int r;

        if (!e)
                return -ENOMEM;

        *e = (Executor){ .event = sd_event_ref(event), .path = path, .requests = -EBADF, .pidfd = -EBADF };
        r = start_template(e);
        if (r < 0)
                log_error("Cannot start %s, trying again for the first agent: %s", path, strerror(-r));
        *ret = e;
        return 0;
}

Executor *executor_free(Executor *e)
{
        if (!e)
                return NULL;

        drop_template(e);
        sd_event_unref(e->event);
        free(e);
        return NULL;
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
