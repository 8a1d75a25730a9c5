/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Agents of lost hosts, one after the other: the spec is fetched, and the host is told, which creates the
 * agent and says what has become of it. */

#include <string.h>

#include "redis-registry.h"

typedef struct Orphan {
        char *id, *hostname, *life;
} Orphan;

struct RedisOrphans {
        RedisRegistry *redis;
        GQueue waiting; /* Orphan */
        Orphan *current; /* whose spec is fetched, or that the host has been told of */
        bool told;
        bool telling; /* the host is being told: it may answer meanwhile */
        bool refused; /* the host could not place one */
};

static void orphan_free(void *orphan)
{
        Orphan *o = orphan;

        g_free(o->id);
        g_free(o->hostname);
        g_free(o->life);
        g_free(o);
}

RedisOrphans *redis_orphans_new(RedisRegistry *r)
{
        RedisOrphans *o = g_new0(RedisOrphans, 1);

        o->redis = r;
        return o;
}

void redis_orphans_clear(RedisOrphans *o)
{
        redis_client_forget(o->redis->client, o);
        g_queue_clear_full(&o->waiting, orphan_free);
        g_clear_pointer(&o->current, orphan_free);
        o->told = o->refused = false;
}

RedisOrphans *redis_orphans_free(RedisOrphans *o)
{
        if (o) {
                g_queue_clear_full(&o->waiting, orphan_free);
                g_clear_pointer(&o->current, orphan_free);
                g_free(o);
        }
        return NULL;
}

void redis_orphans_add(RedisOrphans *o, const char *id, const char *hostname, const char *life)
{
        Orphan *orphan = g_new0(Orphan, 1);

        *orphan = (Orphan){ g_strdup(id), g_strdup(hostname), g_strdup(life) };
        g_queue_push_tail(&o->waiting, orphan);
}

bool redis_orphans_are_waiting(const RedisOrphans *o)
{
        return o->current || o->waiting.head;
}

static void tell(RedisOrphans *o, const redisReply *spec)
{
        Registry *registry = &o->redis->registry;
        const RegistryOrphan orphan = {
                .id = o->current->id,
                .hostname = o->current->hostname,
                .spec = spec->str,
        };

        o->told = o->telling = true;
        registry->handlers.orphan_found(&orphan, registry->userdata);
        o->telling = false;
}

/* It must still be the lost host's. */
static bool is_as_it_was(const RedisOrphans *o, const redisReply *reply)
{
        return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                redis_word_is(reply->element[0], o->current->hostname) &&
                redis_word_is(reply->element[1], o->current->life) && redis_reply_is_text(reply->element[2]);
}

static void on_spec(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisOrphans *o = userdata;

        /* A scan may name one twice: then it is here by now. */
        if (!fault && is_as_it_was(o, reply) && !redis_agent_find(o->redis, o->current->id))
                tell(o, reply->element[2]);
        else
                g_clear_pointer(&o->current, orphan_free);
        if (!o->current)
                redis_orphans_go_on(o);
}

static bool fetch(RedisOrphans *o)
{
        const RedisWord words[] = {
                { "HMGET", 5 },
                redis_key(o->redis, SPEC_PREFIX, o->current->id),
                { "host", 4 },
                { "life", 4 },
                { "spec", 4 },
        };

        return redis_client_send(o->redis->client, words, ELEMENTSOF(words), on_spec, o, NULL) >= 0;
}

void redis_orphans_go_on(RedisOrphans *o)
{
        if (o->current)
                return;
        o->current = g_queue_pop_head(&o->waiting);
        if (o->current) {
                /* The connection has just ended: that is told soon, and all of them are dropped. */
                if (!fetch(o))
                        g_clear_pointer(&o->current, orphan_free);
        } else if (o->refused) {
                o->refused = false;
                redis_lease_stand_back(o->redis);
        }
}

/* Whose set had it learns it from the next cleanup; the sooner the better. */
static void leave_old_set(RedisOrphans *o)
{
        g_autofree char *set_key = g_strconcat(HOST_SET_PREFIX, o->current->hostname, NULL);
        const RedisWord words[] = { { "SREM", 4 }, redis_word(set_key), redis_word(o->current->id) };

        /* Reborn under its name, it is ourselves. */
        if (strcmp(o->current->hostname, o->redis->registry.hostname) != 0)
                (void)redis_client_send(
                        o->redis->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

void redis_orphan_done(Registry *registry, const char *id, bool placed)
{
        RedisOrphans *o = redis_of(registry)->orphans;

        if (!o->current || !o->told || strcmp(o->current->id, id) != 0)
                return;
        if (placed)
                leave_old_set(o);
        else
                o->refused = true;
        o->told = false;
        g_clear_pointer(&o->current, orphan_free);
        if (!o->telling)
                redis_orphans_go_on(o);
}
