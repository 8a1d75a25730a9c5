/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a KubeStore the same as what the API server has: lists in pages, then watches from there, and begins
 * again as needed, for ever. Used by kube.c. */

#include "kube-client.h"
#include "kube-store.h"

typedef struct KubeWatch KubeWatch;

typedef struct KubeWatchTimes {
        uint64_t list_limit_usec; /* of one page */
        uint64_t head_limit_usec; /* until a watch is accepted */

        /* A watch has bookmarks, about one each minute. One that has been silent for so long is not believed
         * any more: its server has lost its store, or never had the version that it was given. */
        uint64_t quiet_limit_usec;

        /* How long a watch is asked for, at random between them. */
        unsigned watch_min_sec;
        unsigned watch_max_sec;

        unsigned page_limit; /* objects of a page */
} KubeWatchTimes;

extern const KubeWatchTimes kube_watch_times;

typedef struct KubeWatchHandlers {
        void (*changed)(void *userdata); /* the store is another one */

        /* why: what keeps us from knowing; NULL: we do know again. Not said twice. */
        void (*state)(const char *why, void *userdata);
} KubeWatchHandlers;

/* All but handlers and times is borrowed, and outlives the watch. Begins at once; handlers run from the loop
 * only, and must not free it. */
KubeWatch *kube_watch_new(sd_event *event,
        KubeClient *client,
        const KubeSource *source,
        const KubeTarget *target,
        KubeStore *store,
        const KubeWatchTimes *times,
        const KubeWatchHandlers *handlers,
        void *userdata);
KubeWatch *kube_watch_free(KubeWatch *watch);
