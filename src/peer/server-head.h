/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be said of a request by its head: whether its client may ask, what for, and whether the body is
 * one that will be read. Used by server-request.c. */

#include "reply.h"
#include "server-private.h"
#include "server-route.h"

/* Logs who is not let in. NULL, with the route, or why it is refused. */
Reply *server_head_check(PeerServer *server,
        struct MHD_Connection *mhd,
        const char *method,
        const char *path,
        ServerRoute *ret);

/* A header's value, the first if there are several; NULL: none. Valid as long as the request. */
const char *server_head_get(struct MHD_Connection *mhd, const char *name);

bool server_head_has_body(struct MHD_Connection *mhd);

/* NULL: none. */
const char *server_head_key(struct MHD_Connection *mhd);
