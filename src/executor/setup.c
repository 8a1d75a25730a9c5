/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setup.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "file-util.h"
#include "identity.h"
#include "output.h"
#include "report.h"

/* Standard input of all agents, and what their output is until it is said otherwise. */
static int setup_stdio(void)
{
        _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
                dup2(fd, STDERR_FILENO) < 0)
                return -errno;
        return 0;
}

/* The launcher protects itself from the kernel's OOM killer; agents are not to inherit that. A launcher that
 * is no more protected than others stays as it is: a user's may not lower what all of his processes have. */
static int setup_oom_score(void)
{
        _cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
        char sign;

        if (fd < 0 || pread(fd, &sign, 1, 0) != 1)
                return fd < 0 ? -errno : -EIO;
        return sign == '-' ? write_all(fd, "0", 1) : 0;
}

/* All zero, as the kernel wants it, is the default action. sigaction() would refuse two signals of the C
 * library's own, which posix_spawn() leaves ignored. */
static void reset_signal(int number)
{
        static const char defaults[64];

        (void)syscall(SYS_rt_sigaction, number, defaults, NULL, (size_t)(_NSIG - 1) / 8);
}

/* SIGPIPE is left ignored as systemd does for services: a closed journal stream must not end an agent. */
static int setup_signals(void)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        sigset_t none;

        for (int i = 1; i < _NSIG; i++)
                reset_signal(i);
        sigemptyset(&none);
        if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return -errno;
        return 0;
}

int setup_for_all(void)
{
        int r;

        r = setup_stdio();
        if (r < 0)
                return r;
        r = setup_oom_score();
        if (r < 0)
                return r;
        return setup_signals();
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

/* A session and a session keyring of its own, as systemd gives every service of the system: agents of
 * different users would share the launcher's. A user's keep that, with the keys of the user in it. Kernels
 * without keyrings, and sandboxes that forbid them, share nothing either. */
static void setup_session(const Account *account)
{
        (void)setsid();
        if (account)
                (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
}

_Noreturn void setup_and_execute(Plan *plan, const Account *account, int stream)
{
        output_use(plan, stream);
        /* The gate, the last one below, closes by itself on exec. */
        if (close_range(EXECUTOR_FD_GATE + 1, ~0U, 0) < 0)
                report_and_exit(EXECUTOR_STEP_DESCRIPTORS, -errno, NULL);
        setup_session(account);
        (void)umask(plan->umask);
        setup_limits(plan);
        if (account)
                identity_apply(account);

        if (chdir(plan->working_directory) < 0)
                report_and_exit(EXECUTOR_STEP_WORKING_DIRECTORY, -errno, plan->working_directory);
        if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                report_and_exit(EXECUTOR_STEP_NO_NEW_PRIVILEGES, -errno, NULL);

        execve(plan->arguments[0], (char *const *)plan->arguments, (char *const *)plan->environment);
        report_and_exit(EXECUTOR_STEP_EXEC, -errno, plan->arguments[0]);
}
