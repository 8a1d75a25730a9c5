/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>

#include "macros.h"

#define FD_LAST (EXECUTOR_FD_TEXT0 + AGENT_TEXT_COUNT - 1)

int executor_reserve_fds(void)
{
        for (;;) {
                int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

                if (fd < 0)
                        return -errno;
                if (fd > FD_LAST) {
                        close(fd);
                        return 0;
                }
        }
}

static int add_fds(posix_spawn_file_actions_t *actions, const ExecutorFds *fds)
{
        int r;

        r = posix_spawn_file_actions_adddup2(actions, fds->plan, EXECUTOR_FD_PLAN);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, fds->gate, EXECUTOR_FD_GATE);
        for (int i = 0; r == 0 && i < AGENT_TEXT_COUNT; i++)
                r = posix_spawn_file_actions_adddup2(actions, fds->texts[i], EXECUTOR_FD_TEXT0 + i);
        return -r;
}

static int spawn(const char *path, const posix_spawn_file_actions_t *actions, pid_t *ret_pid)
{
        /* Nothing of our own environment. The one setting is for the lookup of users: no agent runs as a user
         * that systemd has made up for a service, so PID 1, which has to make the scope meanwhile, is not to
         * be asked for these. */
        static char *const environment[] = { (char *) "SYSTEMD_NSS_DYNAMIC_BYPASS=1", NULL };
        char *const arguments[] = { (char *) path, NULL };
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;

        sigemptyset(&none);
        r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawn(ret_pid, path, actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

int executor_spawn(const char *path, const ExecutorFds *fds, pid_t *ret_pid)
{
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;

        r = add_fds(&actions, fds);
        if (r >= 0)
                r = spawn(path, &actions, ret_pid);
        posix_spawn_file_actions_destroy(&actions);
        return r;
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
