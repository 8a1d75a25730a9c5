/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exits.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

const char *exit_result(const ExitFacts *facts)
{
        if (facts->requested)
                return "success";
        if (facts->scope_result)
                return facts->scope_result;

        switch (facts->code) {
        case CLD_EXITED:
                return facts->status == 0 ? "success" : "exit-code";
        case CLD_KILLED:
                return "signal";
        case CLD_DUMPED:
                return "core-dump";
        default:
                return "lost";
        }
}

bool exit_is_by_stop(int code, int status, int stop_signal)
{
        if (code != CLD_KILLED && code != CLD_DUMPED)
                return false;

        return status == stop_signal &&
                (status == SIGTERM || status == SIGINT || status == SIGHUP || status == SIGQUIT);
}

const char *exit_intern_scope_result(const char *result)
{
        static const char *const known[] = { "oom-kill", "timeout", "resources" };

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(result, known[i]) == 0)
                        return known[i];
        return "resources";
}

void exit_from_wait_status(int wait_status, int *ret_code, int *ret_status)
{
        if (WIFEXITED(wait_status)) {
                *ret_code = CLD_EXITED;
                *ret_status = WEXITSTATUS(wait_status);
        } else {
                *ret_code = WCOREDUMP(wait_status) ? CLD_DUMPED : CLD_KILLED;
                *ret_status = WTERMSIG(wait_status);
        }
}
