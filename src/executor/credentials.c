/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "credentials.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "file-util.h"
#include "proto/launcher.h"
#include "report.h"

static const char *const names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

/* Nobody but root may write above the directory, so what is there already is what an earlier agent of the
 * name has left. */
static int make_directory(const char *path)
{
        bool is_new = mkdir(path, 0755) == 0;
        int fd;

        if (!is_new && errno != EEXIST)
                return -errno;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        for (size_t i = 0; !is_new && i < AGENT_TEXT_COUNT; i++)
                if (unlinkat(fd, names[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        return fd;
}

static int copy_text(int from, int to)
{
        char buffer[32 * 1024];
        off_t offset = 0;

        for (;;) {
                ssize_t n = pread(from, buffer, sizeof(buffer), offset);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                r = write_all(to, buffer, (size_t)n);
                if (r < 0)
                        return r;
                /* The files are sealed, so one that gave less than was asked for has given all. */
                if ((size_t)n < sizeof(buffer))
                        return 0;
                offset += n;
        }
}

static int write_text(int directory, const char *name, int text, const Account *account)
{
        _cleanup_close_ int fd = -EBADF;

        fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (fd < 0)
                return -errno;
        if (account && fchown(fd, account->uid, account->gid) < 0)
                return -errno;
        return copy_text(text, fd);
}

void credentials_write(const Plan *plan, const Account *account)
{
        _cleanup_close_ int directory = -EBADF;
        int r;

        if (!plan->credentials)
                return;

        directory = make_directory(plan->credentials);
        if (directory < 0)
                report_and_exit(EXECUTOR_STEP_CREDENTIALS, directory, plan->credentials);

        for (int i = 0; i < AGENT_TEXT_COUNT; i++) {
                r = write_text(directory, names[i], EXECUTOR_FD_TEXT0 + i, account);
                if (r < 0)
                        report_and_exit(EXECUTOR_STEP_CREDENTIALS, r, names[i]);
        }
}
