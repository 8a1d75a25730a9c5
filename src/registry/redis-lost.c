/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which agents have lost their host. The holder of the lease goes through all specs with each heartbeat:
 * whose they are, where their agents are, and whether those hosts say that they are there, in the life in
 * which they wrote the spec. A host that does not, in checks more than a heartbeat apart, is lost; an agent
 * of it that has no location either is an orphan (redis-orphan.c).
 *
 * What is not known is no reason: after a connect, and after the server has lost what we had written, hosts
 * are given two TTLs to say that they are there.
 *
 * Specs that nobody needs any more go too: they are few, of hosts that could not erase them. */

#include <string.h>

#include "escape.h"
#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"
#include "time-util.h"

#define PAGE "500"

/* Between the first check that finds a host absent and the one that finds it lost: heartbeats come up to a
 * tenth later than said. */
#define LOST_PERCENT 120u

#define TRUST_TTLS 2u

/* A spec, while its page is looked at. */
typedef struct Entry {
        char *id;
        char *hostname, *life; /* NULL: not known */
        enum {
                PLACE_UNKNOWN,
                PLACE_NONE,
                PLACE_OWNER, /* the host whose spec it is */
                PLACE_OTHER,
        } place;
} Entry;

/* Since when something is as it is. */
typedef struct Since {
        uint64_t usec;
        unsigned check;
        bool told;
} Since;

struct RedisLost {
        RedisRegistry *redis;
        bool running;
        unsigned check;
        GHashTable *absent; /* "hostname life" -> Since */
        GHashTable *stale; /* id -> Since: a spec that does not fit */
        GHashTable *lives; /* hostname -> its life, "" if it is not there; of this check */
        GPtrArray *page; /* Entry */
        GPtrArray *asked; /* hostnames of the page: keys of lives */
        char *cursor; /* of the next page; NULL: there is none */
        unsigned n_specs, n_places, n_lives; /* answered */
};

static void entry_free(void *entry)
{
        Entry *e = entry;

        g_free(e->id);
        g_free(e->hostname);
        g_free(e->life);
        g_free(e);
}

RedisLost *redis_lost_new(RedisRegistry *r)
{
        RedisLost *l = g_new0(RedisLost, 1);

        *l = (RedisLost){
                .redis = r,
                .absent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .stale = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .lives = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .page = g_ptr_array_new_with_free_func(entry_free),
                .asked = g_ptr_array_new(),
        };
        return l;
}

RedisLost *redis_lost_free(RedisLost *l)
{
        if (!l)
                return NULL;

        g_hash_table_unref(l->absent);
        g_hash_table_unref(l->stale);
        g_hash_table_unref(l->lives);
        g_ptr_array_unref(l->page);
        g_ptr_array_unref(l->asked);
        g_free(l->cursor);
        g_free(l);
        return NULL;
}

static void stop(RedisLost *l)
{
        redis_client_forget(l->redis->client, l);
        l->running = false;
        g_ptr_array_set_size(l->page, 0);
        g_ptr_array_set_size(l->asked, 0);
        g_hash_table_remove_all(l->lives);
        g_clear_pointer(&l->cursor, g_free);
}

void redis_lost_forget(RedisRegistry *r)
{
        stop(r->lost);
        g_hash_table_remove_all(r->lost->absent);
        g_hash_table_remove_all(r->lost->stale);
        redis_orphans_clear(r->orphans);
}

void redis_lost_distrust(RedisRegistry *r)
{
        r->trusted_usec = now_usec(CLOCK_MONOTONIC) + TRUST_TTLS * r->ttl_usec;
        redis_lost_forget(r);
}

/* -- Judging -- */

/* For how long it has been so, as of this check. */
static Since *note(RedisLost *l, GHashTable *table, const char *key)
{
        Since *since = g_hash_table_lookup(table, key);

        if (!since) {
                since = g_new0(Since, 1);
                since->usec = now_usec(CLOCK_MONOTONIC);
                g_hash_table_insert(table, g_strdup(key), since);
        }
        since->check = l->check;
        return since;
}

static bool has_lasted(const Since *since, uint64_t usec)
{
        return now_usec(CLOCK_MONOTONIC) - since->usec >= usec;
}

static gboolean is_outdated(gpointer key, gpointer value, gpointer check)
{
        (void)key;

        return ((Since *)value)->check != GPOINTER_TO_UINT(check);
}

static uint64_t lost_span(const RedisLost *l)
{
        return l->redis->heartbeat_usec / 100 * LOST_PERCENT;
}

static bool is_lost(RedisLost *l, const Entry *e)
{
        g_autofree char *key = g_strconcat(e->hostname, " ", e->life, NULL);
        Since *since = note(l, l->absent, key);

        if (!has_lasted(since, lost_span(l)))
                return false;
        if (!since->told)
                log_warning(
                        "Host %s is lost: its agents with option reschedule are placed again", e->hostname);
        since->told = true;
        return true;
}

/* Nobody's: its agent has ended, or is another host's who keeps none. */
static void note_stale(RedisLost *l, const Entry *e, uint64_t span_usec)
{
        if (!has_lasted(note(l, l->stale, e->id), span_usec))
                return;

        log_info("Redis: " SPEC_PREFIX "%s is of no agent any more, removed", e->id);
        (void)redis_spec_release(
                l->redis, redis_word(e->id), e->hostname, e->life, false, redis_ignore, NULL, NULL);
}

static void judge(RedisLost *l, const Entry *e)
{
        uint64_t long_usec = TRUST_TTLS * l->redis->ttl_usec;
        const char *life = e->hostname ? g_hash_table_lookup(l->lives, e->hostname) : NULL;

        if (!life || !e->life || redis_agent_find(l->redis, e->id))
                return;

        switch (e->place) {
        case PLACE_UNKNOWN:
                return;
        case PLACE_OTHER:
                note_stale(l, e, lost_span(l));
                return;
        case PLACE_OWNER:
                /* What stood there before it was born again expires; what stays is another agent's. */
                if (life[0] && strcmp(life, e->life) != 0)
                        note_stale(l, e, long_usec);
                return;
        case PLACE_NONE:
                if (strcmp(life, e->life) == 0)
                        note_stale(l, e, long_usec);
                else if (is_lost(l, e))
                        redis_orphans_add(l->redis->orphans, e->id, e->hostname, e->life);
        }
}

static void ask_page(RedisLost *l, const char *cursor);

static void finish(RedisLost *l)
{
        g_hash_table_foreach_remove(l->absent, is_outdated, GUINT_TO_POINTER(l->check));
        g_hash_table_foreach_remove(l->stale, is_outdated, GUINT_TO_POINTER(l->check));
        stop(l);
        redis_orphans_go_on(l->redis->orphans);
}

static void judge_page(RedisLost *l)
{
        g_autofree char *cursor = g_steal_pointer(&l->cursor);

        for (unsigned i = 0; i < l->page->len; i++)
                judge(l, l->page->pdata[i]);
        if (cursor)
                ask_page(l, cursor);
        else
                finish(l);
}

/* -- Asking -- */

/* Returns false if the check is over: there is another one with the next heartbeat. */
static bool ask(RedisLost *l, const RedisWord *words, size_t n_words, RedisReplied replied)
{
        if (redis_client_send(l->redis->client, words, n_words, replied, l, NULL) >= 0)
                return true;
        stop(l);
        return false;
}

static void on_life(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisLost *l = userdata;
        const char *hostname;

        if (fault) {
                stop(l);
                return;
        }
        hostname = l->asked->pdata[l->n_lives++];
        /* Of what is no answer nothing follows. */
        if (reply->type == REDIS_REPLY_NIL)
                g_hash_table_insert(l->lives, g_strdup(hostname), g_strdup(""));
        else if (reply->type == REDIS_REPLY_STRING)
                g_hash_table_insert(l->lives, g_strdup(hostname), g_strndup(reply->str, reply->len));
        if (l->n_lives == l->asked->len)
                judge_page(l);
}

static void collect_hostnames(RedisLost *l)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        g_ptr_array_set_size(l->asked, 0);
        l->n_lives = 0;
        for (unsigned i = 0; i < l->page->len; i++) {
                Entry *e = l->page->pdata[i];

                if (e->hostname && !g_hash_table_contains(l->lives, e->hostname) &&
                        g_hash_table_add(seen, e->hostname))
                        g_ptr_array_add(l->asked, e->hostname);
        }
}

static void ask_lives(RedisLost *l)
{
        collect_hostnames(l);
        if (l->asked->len == 0) {
                judge_page(l);
                return;
        }
        for (unsigned i = 0; i < l->asked->len; i++) {
                const RedisWord words[] = {
                        { "HGET", 4 },
                        redis_key(l->redis, HOST_STATUS_PREFIX, l->asked->pdata[i]),
                        { "life", 4 },
                };

                if (!ask(l, words, ELEMENTSOF(words), on_life))
                        return;
        }
}

static char *text_of(const redisReply *reply)
{
        return redis_reply_is_text(reply) ? g_strdup(reply->str) : NULL;
}

static void on_spec(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisLost *l = userdata;
        Entry *e;

        if (fault) {
                stop(l);
                return;
        }
        e = l->page->pdata[l->n_specs++];
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
                e->hostname = text_of(reply->element[0]);
                e->life = text_of(reply->element[1]);
        }
}

static void on_place(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisLost *l = userdata;
        Entry *e;

        if (fault) {
                stop(l);
                return;
        }
        e = l->page->pdata[l->n_places++];
        if (reply->type == REDIS_REPLY_NIL)
                e->place = PLACE_NONE;
        else if (redis_reply_is_address(reply)) {
                g_autofree char *hostname = redis_hostname_of(reply->str);

                e->place = g_strcmp0(hostname, e->hostname) == 0 ? PLACE_OWNER : PLACE_OTHER;
        }
        if (l->n_places == l->page->len)
                ask_lives(l);
}

static bool ask_about(RedisLost *l, const Entry *e)
{
        const RedisWord spec[] = {
                { "HMGET", 5 },
                redis_key(l->redis, SPEC_PREFIX, e->id),
                { "host", 4 },
                { "life", 4 },
        };

        if (!ask(l, spec, ELEMENTSOF(spec), on_spec))
                return false;

        const RedisWord place[] = { { "GET", 3 }, redis_key(l->redis, LOCATION_PREFIX, e->id) };

        return ask(l, place, ELEMENTSOF(place), on_place);
}

static void take_key(RedisLost *l, const redisReply *key)
{
        Entry *e;

        if (!redis_reply_is_text(key) || !g_str_has_prefix(key->str, SPEC_PREFIX) ||
                !id_is_valid(key->str + strlen(SPEC_PREFIX)))
                return;
        e = g_new0(Entry, 1);
        e->id = g_strdup(key->str + strlen(SPEC_PREFIX));
        g_ptr_array_add(l->page, e);
}

static void take_page(RedisLost *l, const redisReply *keys)
{
        g_ptr_array_set_size(l->page, 0);
        l->n_specs = l->n_places = 0;
        for (size_t i = 0; i < keys->elements; i++)
                take_key(l, keys->element[i]);
        if (l->page->len == 0) {
                judge_page(l);
                return;
        }
        for (unsigned i = 0; i < l->page->len; i++)
                if (!ask_about(l, l->page->pdata[i]))
                        return;
}

static void on_page(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisLost *l = userdata;

        if (fault || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
                reply->element[0]->type != REDIS_REPLY_STRING ||
                reply->element[1]->type != REDIS_REPLY_ARRAY) {
                stop(l);
                return;
        }
        if (strcmp(reply->element[0]->str, "0") != 0)
                l->cursor = g_strdup(reply->element[0]->str);
        take_page(l, reply->element[1]);
}

static void ask_page(RedisLost *l, const char *cursor)
{
        const RedisWord words[] = {
                { "SCAN", 4 },
                redis_word(cursor),
                { "MATCH", 5 },
                { SPEC_PREFIX "*", sizeof(SPEC_PREFIX "*") - 1 },
                { "COUNT", 5 },
                redis_word(PAGE),
        };

        (void)ask(l, words, ELEMENTSOF(words), on_page);
}

void redis_lost_look(RedisRegistry *r)
{
        RedisLost *l = r->lost;

        if (l->running || redis_orphans_are_waiting(r->orphans))
                return;
        l->running = true;
        l->check++;
        ask_page(l, "0");
}
