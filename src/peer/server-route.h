/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a method and a target ask for. Used by server-request.c. */

#include <microhttpd.h>

#include "reply.h"

typedef enum ServerOperation {
        SERVER_NONE,
        SERVER_CREATE,
        SERVER_STOP,
        SERVER_LIST,
        SERVER_INFO,
        SERVER_HEALTH,
        SERVER_PAGE,
} ServerOperation;

typedef struct ServerRoute {
        ServerOperation operation;
        bool has_effect; /* so an Idempotency-Key counts */
        char *id; /* of an agent; of SERVER_LIST the guild's, "" for all; of SERVER_PAGE its path */
        uint64_t timeout_usec; /* of SERVER_STOP */
} ServerRoute;

/* path: as it came, escapes and all. NULL, or what is wrong with it. */
Reply *server_route_find(struct MHD_Connection *mhd, const char *method, const char *path, ServerRoute *ret);
void server_route_done(ServerRoute *route);

/* "create"; "none". */
const char *server_route_name(ServerOperation operation);
