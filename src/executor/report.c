/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <string.h>
#include <sys/socket.h>

#include "macros.h"

_Noreturn void report_and_exit(ExecutorStep step, int error, const char *subject)
{
        ExecutorReport report = { .step = (uint32_t)step, .error = -error };

        if (subject)
                snprintf(report.subject, sizeof(report.subject), "%s", subject);

        (void)send(EXECUTOR_FD_GATE, &report, sizeof(report), MSG_NOSIGNAL);
        _exit(EXIT_FAILURE);
}
