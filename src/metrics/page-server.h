/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small HTTP server for pages that whoever reaches it may read: metrics, and whether we are well. It has
 * GET and HEAD, one request for each connection, a limit on their number, and one on the time that a
 * connection takes in all: so nobody who connects, and sends what he likes, can do more than keep others
 * from these pages for a while. All of it runs on the loop, nothing waits for a client, and while nobody is
 * connected it wakes nobody. Used by agenthostd. */

#include <systemd/sd-event.h>

#include <glib.h>

#include "macros.h"

typedef struct PageServer PageServer;

typedef struct Page {
        unsigned status;
        const char *content_type; /* static */
        GBytes *body;
} Page;

/* Fills in the page of this path, whose body is given away; false: there is none. */
typedef bool (*PageServerFind)(const char *path, Page *ret, void *userdata);

typedef struct PageServerSettings {
        const char *address; /* numeric, without brackets */
        unsigned port; /* 0: any */
        unsigned n_connections; /* 0: 32 */
        uint64_t limit_usec; /* of a connection, from accept to close; 0: 10 s */
} PageServerSettings;

/* Listens. Returns 0 or -errno. find must not free the server. */
int page_server_new(sd_event *event,
        const PageServerSettings *settings,
        PageServerFind find,
        void *userdata,
        PageServer **ret);
PageServer *page_server_free(PageServer *server);
static inline void page_server_freep(PageServer **server)
{
        page_server_free(*server);
}

/* The port that it listens on. */
unsigned page_server_port(const PageServer *server);

unsigned page_server_count_connections(const PageServer *server);

/* How often it was woken: what is idle wakes nobody. */
uint64_t page_server_runs(const PageServer *server);
