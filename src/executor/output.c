/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "file-util.h"
#include "report.h"

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"

/* A journald that hangs fills its backlog: connecting and writing then wait no longer than this. */
#define JOURNAL_LIMIT_SEC 2

static int set_send_limit(int fd, time_t sec)
{
        struct timeval limit = { .tv_sec = sec };

        return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ? -errno : 0;
}

int output_open(const Plan *plan)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!plan->journal)
                return -EOPNOTSUPP;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = set_send_limit(fd, JOURNAL_LIMIT_SEC);
        if (r < 0)
                return r;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return steal_fd(&fd);
}

/* What journald reads first: identifier, unit, priority, level prefix, and three forwards. */
static int write_header(const Plan *plan, int fd)
{
        char header[2 * NAME_MAX + 32];
        int n, r;

        n = snprintf(header, sizeof(header), "%s\n%s\n6\n1\n0\n0\n0\n", plan->ident, plan->unit);
        if (n >= (int)sizeof(header))
                return -ENAMETOOLONG;
        r = write_all(fd, header, (size_t)n);
        if (r < 0)
                return r;

        (void)shutdown(fd, SHUT_RD);
        return set_send_limit(fd, 0);
}

/* Programs compare it with their standard error, to know that they may speak to the journal directly. */
static void add_journal_stream(Plan *plan, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return;
        snprintf(plan->journal_stream, sizeof(plan->journal_stream), "JOURNAL_STREAM=%ju:%ju",
                (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        plan_add_variable(plan, plan->journal_stream);
}

void output_use(Plan *plan, int stream)
{
        _cleanup_close_ int fd = stream;

        if (fd < 0 || write_header(plan, fd) < 0)
                return;
        add_journal_stream(plan, fd);
        if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
                report_and_exit(EXECUTOR_STEP_OUTPUT, -errno, NULL);
}
