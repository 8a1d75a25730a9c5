/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idempotency.h"

#include <string.h>

struct Idempotency {
        GHashTable *entries; /* id -> entry, owned */
        GQueue finished; /* oldest first; all live equally long */
        unsigned n_max;
        uint64_t lifetime_usec;
};

struct IdempotencyEntry {
        char *id; /* who, newline, key */
        char *digest;
        void *owner; /* borrowed; NULL once it is finished */
        Reply *reply; /* NULL until then */
        uint64_t end_usec;
        GList link;
};

static void entry_free(void *userdata)
{
        IdempotencyEntry *e = userdata;

        g_free(e->id);
        g_free(e->digest);
        reply_unref(e->reply);
        g_free(e);
}

Idempotency *idempotency_new(unsigned n_max, uint64_t lifetime_usec)
{
        Idempotency *t = g_new0(Idempotency, 1);

        *t = (Idempotency){
                .entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free),
                .finished = G_QUEUE_INIT,
                .n_max = n_max,
                .lifetime_usec = lifetime_usec,
        };
        return t;
}

Idempotency *idempotency_free(Idempotency *t)
{
        if (!t)
                return NULL;

        g_hash_table_unref(t->entries);
        g_free(t);
        return NULL;
}

bool idempotency_key_is_valid(const char *key)
{
        size_t length = strlen(key);

        for (const char *p = key; *p; p++)
                if (!g_ascii_isgraph(*p))
                        return false;
        return length >= 1 && length <= IDEMPOTENCY_KEY_MAX;
}

static void forget(Idempotency *t, IdempotencyEntry *e)
{
        if (e->reply)
                g_queue_unlink(&t->finished, &e->link);
        g_hash_table_remove(t->entries, e->id);
}

static void forget_old(Idempotency *t, uint64_t now_usec)
{
        IdempotencyEntry *oldest;

        while ((oldest = g_queue_peek_head(&t->finished)) && oldest->end_usec <= now_usec)
                forget(t, oldest);
}

/* false: all are being done. */
static bool make_place(Idempotency *t)
{
        IdempotencyEntry *oldest = g_queue_peek_head(&t->finished);

        if (g_hash_table_size(t->entries) < t->n_max)
                return true;
        if (!oldest)
                return false;
        forget(t, oldest);
        return true;
}

static IdempotencyEntry *add(Idempotency *t, char *id, const char *digest, void *owner)
{
        IdempotencyEntry *e = g_new0(IdempotencyEntry, 1);

        *e = (IdempotencyEntry){ .id = id, .digest = g_strdup(digest), .owner = owner };
        e->link.data = e;
        g_hash_table_insert(t->entries, e->id, e);
        return e;
}

IdempotencyVerdict idempotency_begin(Idempotency *t,
        const char *who,
        const char *key,
        const char *digest,
        void *owner,
        uint64_t now_usec,
        IdempotencyEntry **ret_entry)
{
        g_autofree char *id = g_strconcat(who, "\n", key, NULL);
        IdempotencyEntry *e;

        forget_old(t, now_usec);
        e = g_hash_table_lookup(t->entries, id);
        if (e && strcmp(e->digest, digest) != 0)
                return IDEMPOTENCY_MISMATCH;
        if (e) {
                *ret_entry = e;
                return e->reply ? IDEMPOTENCY_DONE : IDEMPOTENCY_RUNNING;
        }
        if (!make_place(t))
                return IDEMPOTENCY_FULL;

        *ret_entry = add(t, steal_ptr(id), digest, owner);
        return IDEMPOTENCY_NEW;
}

void *idempotency_owner(const IdempotencyEntry *e)
{
        return e->owner;
}

Reply *idempotency_reply(const IdempotencyEntry *e)
{
        return e->reply;
}

void idempotency_finish(Idempotency *t, IdempotencyEntry *e, Reply *reply, uint64_t now_usec)
{
        if (reply->refused) {
                forget(t, e);
                return;
        }

        e->owner = NULL;
        e->reply = reply_ref(reply);
        e->end_usec = now_usec + t->lifetime_usec;
        g_queue_push_tail_link(&t->finished, &e->link);
}

void idempotency_drop(Idempotency *t, IdempotencyEntry *e)
{
        forget(t, e);
}

unsigned idempotency_count(const Idempotency *t)
{
        return g_hash_table_size(t->entries);
}
