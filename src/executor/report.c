/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <string.h>
#include <sys/socket.h>

#include "macros.h"

int report_fill(ExecutorReport *ret, ExecutorStep step, int error, const char *subject)
{
        *ret = (ExecutorReport){ .step = (uint32_t)step, .error = -error };
        if (subject)
                snprintf(ret->subject, sizeof(ret->subject), "%s", subject);
        return error;
}

_Noreturn void report_send_and_exit(const ExecutorReport *report)
{
        (void)send(EXECUTOR_FD_GATE, report, sizeof(*report), MSG_NOSIGNAL);
        _exit(EXIT_FAILURE);
}

_Noreturn void report_and_exit(ExecutorStep step, int error, const char *subject)
{
        ExecutorReport report;

        (void)report_fill(&report, step, error, subject);
        report_send_and_exit(&report);
}
