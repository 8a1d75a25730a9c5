/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was asked with an Idempotency-Key, and what was answered: a request that comes again, because its
 * answer was lost, gets that answer and is not done twice. Keys of different clients are different ones. The
 * table is bounded in number and time, and is kept in memory: after a restart of agenthostd an agent that
 * was created is found by its id, or by option request_id, which outlives us. Used by the server. */

#include <glib.h>

#include "reply.h"

typedef struct Idempotency Idempotency;
typedef struct IdempotencyEntry IdempotencyEntry;

#define IDEMPOTENCY_KEY_MAX 255u

typedef enum IdempotencyVerdict {
        IDEMPOTENCY_NEW, /* to be done; the entry is to be finished or dropped */
        IDEMPOTENCY_RUNNING, /* being done: the entry's owner will know */
        IDEMPOTENCY_DONE, /* the entry has the reply */
        IDEMPOTENCY_MISMATCH, /* the key was used for another request */
        IDEMPOTENCY_FULL, /* too many are being done */
} IdempotencyVerdict;

/* At most n_max entries; finished ones live for lifetime_usec, fewer if the place is needed. */
Idempotency *idempotency_new(unsigned n_max, uint64_t lifetime_usec);
Idempotency *idempotency_free(Idempotency *table);

/* 1 to 255 visible ASCII characters. */
bool idempotency_key_is_valid(const char *key);

/* who: the client's identity. digest: of all that the request says. owner: of a new entry. now_usec: of a
 * clock that does not jump. */
IdempotencyVerdict idempotency_begin(Idempotency *table,
        const char *who,
        const char *key,
        const char *digest,
        void *owner,
        uint64_t now_usec,
        IdempotencyEntry **ret_entry);

void *idempotency_owner(const IdempotencyEntry *entry);
Reply *idempotency_reply(const IdempotencyEntry *entry); /* borrowed */

/* Keeps the reply, unless nothing was done for it (Reply.refused): then a repeat is a new request. */
void idempotency_finish(Idempotency *table, IdempotencyEntry *entry, Reply *reply, uint64_t now_usec);

/* It was given up: a repeat is a new request. */
void idempotency_drop(Idempotency *table, IdempotencyEntry *entry);

unsigned idempotency_count(const Idempotency *table);
