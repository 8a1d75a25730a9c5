/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-body.h"

/* An answer before all of a body has come would not be read by many clients, so what comes too much is
 * dropped, up to so many bodies. */
#define DROPPED_BODIES_MAX 2

bool server_body_add(ServerBody *b, PeerServer *server, const char *data, size_t size)
{
        const PeerLimits *l = &server->limits;

        if (!b->text)
                b->text = g_string_new(NULL);
        if (size > l->body_max - b->text->len)
                b->is_too_large = true;
        else if (size > l->bodies_max - server->n_body_bytes)
                b->no_room = true;
        if (b->is_too_large || b->no_room) {
                b->n_dropped += size;
                return b->n_dropped <= DROPPED_BODIES_MAX * l->body_max;
        }

        g_string_append_len(b->text, data, (gssize)size);
        server->n_body_bytes += size;
        return true;
}

Reply *server_body_too_large(const PeerServer *server)
{
        return reply_new_problem(
                413, FAULT_INVALID_ARGS, "The body has more than %zu bytes", server->limits.body_max);
}

Reply *server_body_check(ServerBody *b, bool is_wanted)
{
        if (!b->text)
                b->text = g_string_new(NULL);
        if (b->is_too_large)
                return reply_new_problem(413, FAULT_INVALID_ARGS, "The body is too large");
        if (b->no_room)
                return reply_new_problem(503, FAULT_LIMIT_REACHED,
                        "Other requests are larger than this host has room for; ask another, or later");
        if (!is_wanted && b->text->len > 0)
                return reply_new_problem(400, FAULT_INVALID_ARGS, "This request has no body");
        return NULL;
}

void server_body_done(ServerBody *b, PeerServer *server)
{
        if (!b->text)
                return;

        server->n_body_bytes -= b->text->len;
        g_string_free(b->text, TRUE);
        b->text = NULL;
}
