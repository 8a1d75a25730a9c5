/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rate-limit.h"

#include <glib.h>

struct RateLimit {
        RateLimitSettings settings;
        GHashTable *buckets; /* name -> Bucket, both owned */
        uint64_t swept_usec;
};

/* A bucket is known by when it is full again: that moves on by the time one token takes, from now at least,
 * and must not be further away than all tokens take. */
typedef struct Bucket {
        uint64_t full_usec;
} Bucket;

/* No name that anybody could have. */
#define SHARED_NAME "\n"

RateLimit *rate_limit_new(const RateLimitSettings *settings)
{
        RateLimit *l = g_new0(RateLimit, 1);

        *l = (RateLimit){
                .settings = *settings,
                .buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        };
        return l;
}

RateLimit *rate_limit_free(RateLimit *l)
{
        if (!l)
                return NULL;

        g_hash_table_unref(l->buckets);
        g_free(l);
        return NULL;
}

static gboolean is_full(void *name, void *value, void *now_usec)
{
        const Bucket *b = value;

        (void)name;

        return b->full_usec <= *(uint64_t *)now_usec;
}

/* Going through all of them, at most once a second. */
static void sweep(RateLimit *l, uint64_t now_usec)
{
        if (now_usec < l->swept_usec + USEC_PER_SEC && l->swept_usec > 0)
                return;
        l->swept_usec = now_usec;
        g_hash_table_foreach_remove(l->buckets, is_full, &now_usec);
}

static Bucket *find(RateLimit *l, const char *name, uint64_t now_usec)
{
        Bucket *b = g_hash_table_lookup(l->buckets, name);

        if (b)
                return b;
        sweep(l, now_usec);
        if (g_hash_table_size(l->buckets) >= l->settings.n_max) {
                name = SHARED_NAME;
                b = g_hash_table_lookup(l->buckets, name);
                if (b)
                        return b;
        }
        b = g_new0(Bucket, 1);
        g_hash_table_insert(l->buckets, g_strdup(name), b);
        return b;
}

bool rate_limit_take(RateLimit *l, const char *name, uint64_t now_usec)
{
        uint64_t token_usec = USEC_PER_SEC / l->settings.per_sec, full_usec;
        Bucket *b = find(l, name, now_usec);

        full_usec = MAX(b->full_usec, now_usec) + token_usec;
        if (full_usec > now_usec + l->settings.burst * token_usec)
                return false;
        b->full_usec = full_usec;
        return true;
}

unsigned rate_limit_count(const RateLimit *l)
{
        return g_hash_table_size(l->buckets);
}
