/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watches agents until they have ended for good: not only once of several times, where they are started
 * again. Made before they are created, so that no end is missed. Used by run with --wait or --follow. */

#include "ctl.h"

typedef struct RunWatch RunWatch;

typedef struct RunEnd {
        const char *result; /* as the property Result */
        int status; /* as ExitStatus */
} RunEnd;

/* An agent of those that were added has ended. */
typedef void (*RunEnded)(const char *id, const RunEnd *end, void *userdata);

int run_watch_new(Ctl *ctl, RunEnded ended, void *userdata, RunWatch **ret);
RunWatch *run_watch_free(RunWatch *watch);
static inline void run_watch_freep(RunWatch **watch)
{
        run_watch_free(*watch);
}

/* It has been created: since the watch was made if it is new, else maybe long ago, by the same request. One
 * that has ended already is told of at once. */
void run_watch_add(RunWatch *watch, const char *id, bool is_new);

/* How many of those that were added have not ended. */
size_t run_watch_count(const RunWatch *watch);
