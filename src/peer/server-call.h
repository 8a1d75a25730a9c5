/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the handlers have been asked and have not answered yet. A request waits for it, or several when it
 * was repeated; when the last of them has gone it is cancelled, with a key only after a while, in which a
 * repeat takes its place. Used by server-request.c. */

#include "reply.h"
#include "server-private.h"

typedef struct ServerRequest ServerRequest;

/* One that nobody waits for yet; who is copied. limit_usec: until the handlers have to have answered. */
int server_call_new(PeerServer *server, const char *who, uint64_t limit_usec, PeerCall **ret);

/* The entry of its key, which it finishes or drops. */
void server_call_set_entry(PeerCall *call, IdempotencyEntry *entry);

/* server_request_answer() will be called for the request, unless it leaves. */
void server_call_join(PeerCall *call, ServerRequest *request);
void server_call_leave(PeerCall *call, ServerRequest *request);

/* The operation is cancelled, and requests that still wait are abandoned: their connections close. */
void server_call_cancel(PeerCall *call);
