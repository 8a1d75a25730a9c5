/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "password-agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>

#define PROGRAM "/usr/bin/pkttyagent"
#define START_LIMIT_MSEC 5000

/* A desktop's agent comes before ours, where the session has one; where there is no session, polkit would
 * not look at one that is behind another. */
static const char *fallback_option(void)
{
        _cleanup_free_ char *session = NULL;

        return sd_pid_get_session(0, &session) >= 0 ? "--fallback" : NULL;
}

static _Noreturn void become_agent(int notify_fd)
{
        char number[16];

        /* It does not stay behind, however we end. */
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void)snprintf(number, sizeof(number), "%d", notify_fd);
        (void)fcntl(notify_fd, F_SETFD, 0);
        execl(PROGRAM, PROGRAM, "--notify-fd", number, fallback_option(), NULL);
        _exit(EXIT_FAILURE);
}

pid_t password_agent_start(void)
{
        _cleanup_close_ int seen = -EBADF, told = -EBADF;
        int fds[2];
        pid_t pid;

        if (geteuid() == 0 || !isatty(STDIN_FILENO) || access(PROGRAM, X_OK) < 0 ||
                pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        seen = fds[0];
        told = fds[1];

        pid = fork();
        if (pid < 0)
                return 0;
        if (pid == 0)
                become_agent(told);

        /* It closes its end when it is registered. */
        told = close_fd(told);
        (void)poll(&(struct pollfd){ .fd = seen, .events = POLLIN }, 1, START_LIMIT_MSEC);
        return pid;
}

void password_agent_stop(pid_t pid)
{
        if (pid <= 0)
                return;

        (void)kill(pid, SIGTERM);
        (void)kill(pid, SIGCONT);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}
