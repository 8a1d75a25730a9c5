/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way of requests to the executor: through its socket, and as copies of ours while that is full. A
 * user's socket takes a hundred or so, and a burst of launches is not to fail of that. Used by executor.c.
 */

#include <systemd/sd-event.h>

#include "executor.h"

typedef struct ExecutorQueue ExecutorQueue;

/* The socket stays the caller's. */
int executor_queue_new(sd_event *event, int fd, ExecutorQueue **ret);

/* What still waits is given up: those at the gates see them close. */
ExecutorQueue *executor_queue_free(ExecutorQueue *queue);

/* Sends it, or keeps it until there is room. -EAGAIN when too much waits already. */
int executor_queue_send(ExecutorQueue *queue, const ExecutorRequest *request);
