/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A request's body as it comes in, within the limits of one and of all. Used by server-request.c. */

#include "reply.h"
#include "server-private.h"

typedef struct ServerBody {
        GString *text; /* NULL: nothing has come */
        size_t n_dropped; /* bytes that came when it was too large */
        bool is_too_large;
        bool no_room; /* with all others */
} ServerBody;

/* false: the connection is to be closed, as whoever goes on so long will not read an answer. */
bool server_body_add(ServerBody *body, PeerServer *server, const char *data, size_t size);

/* Once all has come: NULL, and text is set, or why it cannot be used. */
Reply *server_body_check(ServerBody *body, bool is_wanted);

Reply *server_body_too_large(const PeerServer *server);

/* Gives the room back. */
void server_body_done(ServerBody *body, PeerServer *server);
