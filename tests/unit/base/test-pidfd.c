/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pidfd.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/wait.h>

/* A child that waits for a signal. */
static pid_t start_child(int *ret_pidfd)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                for (;;)
                        pause();

        *ret_pidfd = pidfd_open_pid(pid);
        g_assert_cmpint(*ret_pidfd, >=, 0);
        return pid;
}

static void reap(int pidfd)
{
        siginfo_t info;

        g_assert_cmpint(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), ==, 0);
}

static void test_a_pidfd_names_its_process_until_that_is_reaped(void)
{
        _cleanup_close_ int fd = -EBADF;
        pid_t pid = start_child(&fd), found = 0;

        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(pidfd_get_pid(fd, &found), ==, 0);
        g_assert_cmpint(found, ==, pid);

        g_assert_cmpint(pidfd_signal(fd, SIGKILL), ==, 0);
        reap(fd);
        g_assert_cmpint(pidfd_get_pid(fd, &found), ==, -ESRCH);
        g_assert_cmpint(pidfd_signal(fd, SIGKILL), ==, -ESRCH);
        g_assert_cmpint(pidfd_open_pid(pid), ==, -ESRCH);
}

static void test_what_is_no_pidfd_has_no_pid(void)
{
        _cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        pid_t pid;

        g_assert_cmpint(pidfd_get_pid(null, &pid), ==, -EBADF);
        g_assert_cmpint(pidfd_get_pid(12345, &pid), ==, -EBADF);
}

static void test_the_kernel_tells_the_end_of_a_reaped_process_or_says_that_it_does_not(void)
{
        _cleanup_close_ int fd = -EBADF;
        int status, r;

        (void)start_child(&fd);
        r = pidfd_get_exit(fd, &status);
        g_assert_true(r == -EAGAIN || r == -EOPNOTSUPP);

        g_assert_cmpint(pidfd_signal(fd, SIGUSR1), ==, 0);
        reap(fd);

        r = pidfd_get_exit(fd, &status);
        if (r == -EOPNOTSUPP) {
                g_test_skip("this kernel has no PIDFD_INFO_EXIT");
                return;
        }
        g_assert_cmpint(r, ==, 0);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGUSR1);
}

static void test_a_zombie_has_not_ended_yet(void)
{
        _cleanup_close_ int fd = -EBADF;
        siginfo_t info;
        int status, r;

        (void)start_child(&fd);
        g_assert_cmpint(pidfd_signal(fd, SIGKILL), ==, 0);
        g_assert_cmpint(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT), ==, 0);
        r = pidfd_get_exit(fd, &status);
        g_assert_true(r == -EAGAIN || r == -EOPNOTSUPP);
        reap(fd);
}

static void test_the_cgroup_of_a_process_is_a_path_and_gone_with_it(void)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *cgroup = NULL;
        pid_t pid = start_child(&fd);
        int r = pid_get_cgroup(pid, &cgroup);

        g_assert_cmpint(pidfd_signal(fd, SIGKILL), ==, 0);
        reap(fd);

        if (r == -ENODATA)
                g_test_skip("no cgroup v2 here");
        else {
                g_assert_cmpint(r, ==, 0);
                g_assert_cmpint(cgroup[0], ==, '/');
                g_assert_null(strchr(cgroup, '\n'));
        }
        g_clear_pointer(&cgroup, free);
        g_assert_cmpint(pid_get_cgroup(pid, &cgroup), ==, -ESRCH);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/pidfd/pid", test_a_pidfd_names_its_process_until_that_is_reaped);
        g_test_add_func("/pidfd/not-one", test_what_is_no_pidfd_has_no_pid);
        g_test_add_func(
                "/pidfd/exit", test_the_kernel_tells_the_end_of_a_reaped_process_or_says_that_it_does_not);
        g_test_add_func("/pidfd/zombie", test_a_zombie_has_not_ended_yet);
        g_test_add_func("/pidfd/cgroup", test_the_cgroup_of_a_process_is_a_path_and_gone_with_it);
        return g_test_run();
}
