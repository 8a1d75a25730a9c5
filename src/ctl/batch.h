/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call for each of many agents, several at a time. Used by run, and by the verbs that act. */

#include "ctl.h"
#include "progress.h"

/* Makes the call for the item at an index. */
typedef int (*BatchMake)(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata);

/* The answer, which may be an error; says whether the call is to be made again. */
typedef bool (*BatchAnswer)(size_t index, sd_bus_message *answer, void *userdata);

typedef struct Batch {
        const char *doing; /* "stopping": for the progress */
        Progress *progress; /* borrowed: whoever writes to the terminal meanwhile hides it */
        size_t n_items;
        BatchMake make;
        BatchAnswer answer;
        void *userdata;
} Batch;

/* Returns when all are answered, or the event loop is over (ctl.h). EXIT_OK whatever the answers were, or
 * what to exit with when it could not go on (told). */
int batch_run(Ctl *ctl, const Batch *batch);
