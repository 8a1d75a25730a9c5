/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starting the executor (proto/executor.h): posix_spawn, which costs the same however large we are. */

#include <sys/types.h>

#include "proto/executor.h"
#include "proto/launcher.h"

typedef struct ExecutorFds {
        int plan;
        int gate;
        int texts[AGENT_TEXT_COUNT];
} ExecutorFds;

/* Keeps the numbers that the executor's descriptors get free of others of ours, so that moving one there
 * overwrites no other. Once, at start. */
int executor_reserve_fds(void);

int executor_spawn(const char *path, const ExecutorFds *fds, pid_t *ret_pid);

/* What a report says: "exec /usr/bin/foo: No such file or directory". 0 or -ENOMEM. */
int executor_report_text(const ExecutorReport *report, char **ret);
