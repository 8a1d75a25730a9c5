/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The launcher's side of proto/executor.h: the workers, started when they are needed, and again when they
 * have died. */

#include <systemd/sd-event.h>

#include "proto/executor.h"
#include "proto/launcher.h"

typedef struct Executor Executor;

typedef struct ExecutorRequest {
        const char *plan;
        size_t plan_size;
        int gate;
        int texts[AGENT_TEXT_COUNT];
} ExecutorRequest;

/* path is borrowed and outlives us. */
int executor_new(sd_event *event, const char *path, Executor **ret);
Executor *executor_free(Executor *executor); /* ends the workers; one that is traced is left to be reaped */
void executor_freep(Executor **executor);

/* Ends the workers, and with them what they have in hand: who waits for a process learns at the gate that
 * none comes. On failure nothing can be asked for any more. */
int executor_restart(Executor *executor);

/* Asks for a process, which then says its pid at the gate. The plan and the descriptors stay the caller's.
 */
int executor_request(Executor *executor, const ExecutorRequest *request);

/* What was asked for is executed, or has failed. To be called once for each request that was taken. */
void executor_release(Executor *executor);

/* Requests that have not been released. */
unsigned executor_in_hand(const Executor *executor);

/* What a report says: "exec /usr/bin/foo: No such file or directory". 0 or -ENOMEM. */
int executor_report_text(const ExecutorReport *report, char **ret);
