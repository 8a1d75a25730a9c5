/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pidfd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "file-util.h"
#include "parse.h"

/* From Linux, include/uapi/linux/pidfd.h (PIDFD_GET_INFO: 6.13, PIDFD_INFO_EXIT: 6.15), which Debian 12's
 * headers do not have yet. The names are ours, so that newer headers do not clash. This is the first
 * published size, 64 bytes; the kernel fills as much as the ioctl number says. */
struct pidfd_info_v0 {
        uint64_t mask;
        uint64_t cgroup_id;
        uint32_t pid, tgid, ppid;
        uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
        int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_v0) == 64, "the kernel's PIDFD_INFO_SIZE_VER0");

#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)

#define PROC_FILE_MAX (64u * 1024u)

#define KILLED_MSEC 1000

int pidfd_open_pid(pid_t pid)
{
        /* The kernel sets close-on-exec by itself. */
        int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

        return fd < 0 ? -errno : fd;
}

int pidfd_signal(int pidfd, int signal_number)
{
        return syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0u) < 0 ? -errno : 0;
}

bool pidfd_reap(int pidfd)
{
        siginfo_t info = { 0 };

        return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid != 0;
}

bool pidfd_kill_and_reap(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        (void)pidfd_signal(pidfd, SIGKILL);
        return poll(&p, 1, KILLED_MSEC) > 0 && pidfd_reap(pidfd);
}

/* The rest of the line that begins with key, terminated in place. */
static char *find_line(char *text, const char *key)
{
        size_t length = strlen(key);
        char *end;

        for (char *line = text; line; line = end ? end + 1 : NULL) {
                end = strchr(line, '\n');
                if (strncmp(line, key, length) != 0)
                        continue;
                if (end)
                        *end = '\0';
                return line + length;
        }

        return NULL;
}

int pidfd_get_pid(int pidfd, pid_t *ret)
{
        _cleanup_free_ char *text = NULL;
        char path[sizeof("/proc/self/fdinfo/") + 3 * sizeof(int)];
        char *value;
        unsigned pid;
        int r;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
        r = read_file_at(AT_FDCWD, path, PROC_FILE_MAX, &text, NULL);
        if (r < 0)
                return r == -ENOENT ? -EBADF : r;

        value = find_line(text, "Pid:");
        if (!value)
                return -EBADF;
        value += strspn(value, " \t");

        /* -1: reaped; 0: outside our pid namespace, so not one that we can name either. */
        if (parse_uint(value, 1, INT32_MAX, &pid) < 0)
                return -ESRCH;

        *ret = (pid_t)pid;
        return 0;
}

int pidfd_get_exit(int pidfd, int *ret_wait_status)
{
        struct pidfd_info_v0 info = { .mask = PIDFD_INFO_EXIT_BIT };

        if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) < 0) {
                /* ESRCH: reaped, and this kernel (6.13, 6.14) has not kept how it ended. */
                if (errno == ENOTTY || errno == EINVAL || errno == ENOSYS || errno == ESRCH)
                        return -EOPNOTSUPP;
                return -errno;
        }

        if (!(info.mask & PIDFD_INFO_EXIT_BIT))
                return -EAGAIN;

        *ret_wait_status = info.exit_code;
        return 0;
}

int pid_get_cgroup(pid_t pid, char **ret)
{
        static const char deleted[] = " (deleted)";
        _cleanup_free_ char *text = NULL;
        char path[sizeof("/proc//cgroup") + 3 * sizeof(pid_t)];
        size_t length, tail = sizeof(deleted) - 1;
        char *value, *copy;
        int r;

        snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
        r = read_file_at(AT_FDCWD, path, PROC_FILE_MAX, &text, NULL);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;

        value = find_line(text, "0::");
        if (!value)
                return -ENODATA;

        length = strlen(value);
        if (length > tail && strcmp(value + length - tail, deleted) == 0)
                value[length - tail] = '\0';

        copy = strdup(value);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}
