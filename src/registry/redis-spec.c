/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept of an agent that another host may place again: a hash of whose it is (the host, and which of
 * its lives) and of what its creation was given. It is compared when the set is, and written where it is not
 * ours; the location is claimed before, so that one who has lost an agent never writes it. It has no time to
 * live, as it is to outlive its host: it is erased first of all when an agent ends, and redis-lost.c removes
 * what nobody needs any more. */

#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"

/* -- Erasing -- */

int redis_spec_release(RedisRegistry *r,
        RedisWord id,
        const char *hostname,
        const char *life,
        bool whole,
        RedisReplied replied,
        void *userdata,
        Fault *fault)
{
        const RedisWord args[] = { redis_word(hostname), redis_word(life) };

        return redis_script_send(r->client, REDIS_SCRIPT_RELEASE_SPEC, whole,
                redis_key_of(r, SPEC_PREFIX, id), args, ELEMENTSOF(args), replied, userdata, fault);
}

static bool send_release(RedisAgent *a, bool whole);

static void on_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        if (!a->keeps_spec && redis_agent_has_released(a, reply, fault, send_release))
                a->spec_stands = false;
        redis_agent_settle(a);
}

static bool send_release(RedisAgent *a, bool whole)
{
        RedisRegistry *r = a->redis;

        if (redis_spec_release(
                    r, redis_word(a->id), r->registry.hostname, r->life, whole, on_released, a, NULL) < 0)
                return false;
        a->n_waiting++;
        return true;
}

bool redis_spec_erase(RedisAgent *a)
{
        return !a->spec_stands || send_release(a, false);
}

/* -- Writing -- */

static void on_written(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        (void)fault;

        a->n_waiting--;
        if (reply && reply->type == REDIS_REPLY_ERROR) {
                redis_note_refusal(a->redis, reply);
                a->redis->reconciled_usec = 0;
        }
        redis_agent_settle(a);
}

static void write_spec(RedisAgent *a)
{
        RedisRegistry *r = a->redis;
        g_autofree char *spec = r->registry.handlers.spec_wanted(a->id, r->registry.userdata);
        const RedisWord words[] = {
                { "HSET", 4 },
                redis_key(r, SPEC_PREFIX, a->id),
                { "host", 4 },
                redis_word(r->registry.hostname),
                { "life", 4 },
                redis_word(r->life),
                { "spec", 4 },
                redis_word(spec ? spec : ""),
        };

        if (!spec)
                return;
        if (redis_client_send(r->client, words, ELEMENTSOF(words), on_written, a, NULL) >= 0)
                a->n_waiting++;
}

static void remove_foreign(RedisAgent *a)
{
        const RedisWord words[] = { { "DEL", 3 }, redis_key(a->redis, SPEC_PREFIX, a->id) };

        log_warning("Redis: the key " SPEC_PREFIX "%s held something else than a hash, replaced", a->id);
        (void)redis_client_send(a->redis->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

static void take_owner(RedisAgent *a, const redisReply *reply)
{
        RedisRegistry *r = a->redis;

        if (redis_error_kind(reply) == REDIS_ERROR_WRONG_TYPE)
                remove_foreign(a);
        else if (reply->type == REDIS_REPLY_ERROR) {
                redis_note_refusal(r, reply);
                return;
        } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                redis_word_is(reply->element[0], r->registry.hostname) &&
                redis_word_is(reply->element[1], r->life))
                return;
        write_spec(a);
}

static void on_owner(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        if (!fault && a->in_table && a->keeps_spec && a->known == LOCATION_REGISTERED)
                take_owner(a, reply);
        redis_agent_settle(a);
}

void redis_spec_compare(RedisAgent *a)
{
        const RedisWord words[] = {
                { "HMGET", 5 },
                redis_key(a->redis, SPEC_PREFIX, a->id),
                { "host", 4 },
                { "life", 4 },
        };

        if (!a->keeps_spec) {
                /* Of a former agent of this id, which ended while the server was away. */
                if (!redis_spec_erase(a))
                        a->redis->reconciled_usec = 0;
                return;
        }
        if (redis_client_send(a->redis->client, words, ELEMENTSOF(words), on_owner, a, NULL) >= 0)
                a->n_waiting++;
}

void redis_spec_keep(Registry *registry, const char *id)
{
        RedisAgent *a = redis_agent_find(redis_of(registry), id);

        if (!a || a->keeps_spec || !registry->handlers.spec_wanted)
                return;
        a->keeps_spec = a->spec_stands = true;
        if (a->known == LOCATION_REGISTERED)
                redis_spec_compare(a);
}
