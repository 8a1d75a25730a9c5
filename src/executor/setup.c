/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setup.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "file-util.h"
#include "output.h"
#include "report.h"

static void setup_stdio(Plan *plan)
{
        _cleanup_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
                report_and_exit(EXECUTOR_STEP_STDIN, -errno, "/dev/null");
        output_connect(plan, null_fd);
}

/* Keeps the gate, whose end tells the launcher that we have been executed. */
static void close_others(void)
{
        if (fcntl(EXECUTOR_FD_GATE, F_SETFD, FD_CLOEXEC) < 0 ||
                close_range(STDERR_FILENO + 1, EXECUTOR_FD_GATE - 1, 0) < 0 ||
                close_range(EXECUTOR_FD_GATE + 1, ~0U, 0) < 0)
                report_and_exit(EXECUTOR_STEP_STDIN, -errno, "close_range");
}

static void setup_limits(const Plan *plan)
{
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                char number[16];

                if (!plan->limits[i].set || setrlimit(i, &plan->limits[i].value) == 0)
                        continue;
                snprintf(number, sizeof(number), "%d", i);
                report_and_exit(EXECUTOR_STEP_LIMITS, -errno, number);
        }
}

/* The launcher protects itself from the kernel's OOM killer; its agents are not to inherit that. */
static void setup_oom_score(void)
{
        static const char path[] = "/proc/self/oom_score_adj";
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : write_all(fd, "0", 1);

        if (r < 0)
                report_and_exit(EXECUTOR_STEP_OOM_SCORE, r, path);
}

/* A session and a session keyring of its own, as systemd gives every service: agents of different users would
 * share the launcher's. Kernels without keyrings, and sandboxes that forbid them, share nothing either. */
static void setup_session(void)
{
        (void) setsid();
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
}

/* Handlers do not survive exec, but what is ignored stays so: by the launcher, and by posix_spawn, which leaves two
 * signals of the C library's own ignored that sigaction() refuses to touch. All zero, as the kernel wants it, is
 * the default. */
static void reset_signal(int number)
{
        static const char defaults[64];

        (void) syscall(SYS_rt_sigaction, number, defaults, NULL, (size_t) (_NSIG - 1) / 8);
}

/* SIGPIPE is left ignored as systemd does for services: a closed journal stream must not end an agent. */
static void setup_signals(void)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        sigset_t none;

        for (int i = 1; i < _NSIG; i++)
                reset_signal(i);
        sigemptyset(&none);
        if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                report_and_exit(EXECUTOR_STEP_SIGNALS, -errno, NULL);
}

_Noreturn void setup_and_execute(Plan *plan, const Identity *identity)
{
        setup_stdio(plan);
        close_others();
        setup_session();
        (void) umask(plan->umask);
        setup_limits(plan);
        setup_oom_score();
        identity_apply(identity);

        if (chdir(plan->working_directory) < 0)
                report_and_exit(EXECUTOR_STEP_WORKING_DIRECTORY, -errno, plan->working_directory);
        if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                report_and_exit(EXECUTOR_STEP_NO_NEW_PRIVILEGES, -errno, NULL);
        setup_signals();

        execve(plan->arguments[0], (char *const *) plan->arguments, (char *const *) plan->environment);
        report_and_exit(EXECUTOR_STEP_EXEC, -errno, plan->arguments[0]);
}
