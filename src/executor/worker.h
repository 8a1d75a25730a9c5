/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The executor as a process that the launcher keeps: it takes requests, one after the other, and makes the
 * agents' processes. Used by main.c, which says what is to be done in them. */

#include <stddef.h>

#include "proto/executor.h"

typedef struct WorkerSteps {
        /* In the worker, before there is a process: may allocate, and look things up. The plan stays valid
         * until clean_up. */
        void (*prepare)(const char *plan, size_t plan_size);
        /* The agent's process. Until it executes, or exits, it runs in the worker's memory while that
         * sleeps: it allocates nothing, takes no locks and does not return. */
        void (*become_agent)(void);
        /* In the worker, afterwards. */
        void (*clean_up)(void);
} WorkerSteps;

/* Serves requests. Returns 0 when the launcher has gone, or a negative errno when it cannot go on. */
int worker_serve(const WorkerSteps *steps);
