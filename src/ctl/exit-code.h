/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agentctl exits with. Scripts rely on these: they are in "agentctl --help" and in agentctl(1), and
 * never change their meaning. */

#include "macros.h"

typedef enum ExitCode {
        EXIT_OK = 0,
        EXIT_FAILED = 1, /* for a reason that has no number of its own */
        EXIT_USAGE = 2, /* a verb, an option or a file is not what it has to be; nothing was done */
        EXIT_NOT_ALIVE = 3, /* status: an agent is there, but does not run */
        EXIT_NO_AGENT = 4,
        EXIT_DENIED = 5,
        EXIT_UNREACHABLE = 6, /* agenthostd, its launcher or the message bus */
} ExitCode;

/* Of several things of which some failed in different ways. */
static inline int exit_code_merge(int so_far, int next)
{
        if (so_far == EXIT_OK || so_far == next)
                return next;
        return next == EXIT_OK ? so_far : EXIT_FAILED;
}
