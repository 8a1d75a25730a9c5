/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes by pidfd: never by a pid alone. */

#include <signal.h>
#include <sys/types.h>

#include "macros.h"

/* Returns a close-on-exec pidfd or -errno. */
int pidfd_open_pid(pid_t pid);

int pidfd_signal(int pidfd, int signal_number);

/* Reaps a child that has ended. False: there is nothing to reap yet, which is so also of one that has ended
 * while it was traced. A pidfd tells of that end at once, and again when the tracer has let go of it: who
 * waits for that has to do it by edges (EPOLLET). */
bool pidfd_reap(int pidfd);

/* Kills a child and reaps it. False: it is left to be reaped later, as it is traced, or does not end within a
 * second. */
bool pidfd_kill_and_reap(int pidfd);

/* The pid behind a pidfd as this process sees it: -ESRCH once it has been reaped. */
int pidfd_get_pid(int pidfd, pid_t *ret);

/* How a process that is not our child ended, from the kernel (PIDFD_GET_INFO, Linux 6.15): a wait status.
 * -EAGAIN while it has not been reaped, -EOPNOTSUPP where the kernel does not tell. */
int pidfd_get_exit(int pidfd, int *ret_wait_status);

/* The process's cgroup v2 path ("/agents.slice/..."), " (deleted)" stripped. -ESRCH when it is gone. */
int pid_get_cgroup(pid_t pid, char **ret);
