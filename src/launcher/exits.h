/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The decision how an agent has ended, made when its exit status is known and its scope is gone: a requested
 * stop comes first, then what systemd says of the scope, then the wait status. */

#include "macros.h"

typedef struct ExitFacts {
        bool requested; /* by us, or by a job of systemd that an administrator made */
        const char *scope_result; /* the last Scope.Result, NULL while it was success */
        int code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: nobody knows */
        int status; /* exit code or signal */
} ExitFacts;

/* One of systemd's words, static. */
const char *exit_result(const ExitFacts *facts);

/* Whether a process ended so by a stop signal that means nothing but "end": one that neither the kernel
 * sends nor the process itself when something is wrong with it. */
bool exit_is_by_stop(int code, int status, int stop_signal);

/* A Scope.Result as a static text; one that is not known counts as "resources". */
const char *exit_intern_scope_result(const char *result);

/* A wait status as code and status of waitid(2). */
void exit_from_wait_status(int wait_status, int *ret_code, int *ret_status);
