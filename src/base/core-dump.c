/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core-dump.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void core_dump_forbid(void)
{
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* A limit of 0 alone would not do: it is not for pipes. */
void core_dump_forbid_unless_allowed(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur == 0)
                core_dump_forbid();
}
