/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes the location of an agent whose host has gone, and cannot do it by itself. Whether it has gone is
 * looked at first; should it come back just then, it writes again what is its own. The spec that is kept of
 * it goes first: it is not to be placed again. One that waits just for that has no location any more. */


#include "redis-error.h"
#include "redis-registry.h"

typedef struct Evict {
        RedisRequest request; /* first */
        RedisRegistry *redis;
        RegistryCall *call;
        char *id;
        char *address; /* NULL: it has none, but maybe a spec */
        char *hostname; /* of whose the location, or the spec, is */
} Evict;

static void evict_free(Evict *e)
{
        redis_client_forget(e->redis->client, e);
        g_free(e->id);
        g_free(e->address);
        g_free(e->hostname);
        g_free(e);
}

static void cancel(RegistryCall *call)
{
        evict_free(call->request);
}

static void finish(Evict *e, bool evicted, const Fault *fault)
{
        RegistryCall *call = e->call;

        evict_free(e);
        registry_call_finish(call, fault ? NULL : &(RegistryAnswer){ .evicted = evicted }, fault);
}

/* The number that an answer has to be. Returns false when the call is over. */
static bool read_number(Evict *e, const redisReply *reply, const Fault *fault, long long *ret)
{
        _cleanup_fault_ Fault refusal = FAULT_INIT;

        if (!fault && reply->type != REDIS_REPLY_INTEGER) {
                (void)redis_reply_fault(e->redis, reply, &refusal);
                fault = &refusal;
        }
        if (fault) {
                finish(e, false, fault);
                return false;
        }
        *ret = reply->integer;
        return true;
}

static void leave_set(const Evict *e)
{
        g_autofree char *set_key = g_strconcat(HOST_SET_PREFIX, e->hostname, NULL);
        const RedisWord words[] = { { "SREM", 4 }, redis_word(set_key), redis_word(e->id) };

        (void)redis_client_send(e->redis->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

static void on_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        Evict *e = userdata;
        long long n;

        if (!read_number(e, reply, fault, &n))
                return;
        /* It may have expired, too. */
        leave_set(e);
        finish(e, true, NULL);
}

static void look_for_host(Evict *e, RedisReplied replied)
{
        const RedisWord words[] = { { "EXISTS", 6 }, redis_key(e->redis, HOST_STATUS_PREFIX, e->hostname) };
        _cleanup_fault_ Fault unsent = FAULT_INIT;

        if (redis_client_send(e->redis->client, words, ELEMENTSOF(words), replied, e, &unsent) < 0)
                finish(e, false, &unsent);
}

/* Of the host, in whatever life. Returns false when the call is over. */
static bool release_spec(Evict *e, RedisReplied replied)
{
        _cleanup_fault_ Fault unsent = FAULT_INIT;

        if (redis_spec_release(e->redis, redis_word(e->id), e->hostname, "", true, replied, e, &unsent) >= 0)
                return true;
        finish(e, false, &unsent);
        return false;
}

static void on_spec_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        long long n;

        /* Whether there was one does not matter. */
        (void)read_number(userdata, reply, fault, &n);
}

static void on_looked(const redisReply *reply, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault unsent = FAULT_INIT;
        g_autofree char *prefix = NULL;
        Evict *e = userdata;
        long long n;

        if (!read_number(e, reply, fault, &n))
                return;
        if (n > 0) {
                finish(e, false, NULL);
                return;
        }

        if (!release_spec(e, on_spec_released))
                return;
        prefix = g_strconcat(e->hostname, ":", NULL);
        /* With its text: it happens rarely. */
        if (redis_script_send(e->redis->client, REDIS_SCRIPT_RELEASE, true,
                    redis_key(e->redis, LOCATION_PREFIX, e->id),
                    (RedisWord[]){ redis_word(prefix), redis_word(e->address) }, 2, on_released, e,
                    &unsent) < 0)
                finish(e, false, &unsent);
}

static void on_orphan_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        Evict *e = userdata;
        long long n;

        if (!read_number(e, reply, fault, &n))
                return;
        if (n > 0)
                leave_set(e);
        finish(e, n > 0, NULL);
}

static void on_owner_looked(const redisReply *reply, const Fault *fault, void *userdata)
{
        Evict *e = userdata;
        long long n;

        if (!read_number(e, reply, fault, &n))
                return;
        if (n > 0)
                finish(e, false, NULL);
        else
                (void)release_spec(e, on_orphan_released);
}

static void on_owner(const redisReply *reply, const Fault *fault, void *userdata)
{
        Evict *e = userdata;

        if (fault || !redis_reply_is_text(reply)) {
                finish(e, false, fault);
                return;
        }
        e->hostname = g_strdup(reply->str);
        look_for_host(e, on_owner_looked);
}

static void evict_orphan(Evict *e)
{
        const RedisWord words[] = { { "HGET", 4 }, redis_key(e->redis, SPEC_PREFIX, e->id), { "host", 4 } };
        _cleanup_fault_ Fault unsent = FAULT_INIT;

        if (redis_client_send(e->redis->client, words, ELEMENTSOF(words), on_owner, e, &unsent) < 0)
                finish(e, false, &unsent);
}

void redis_evict(Registry *registry, RegistryCall *call, const char *id, const char *address)
{
        RedisRegistry *r = redis_of(registry);
        Evict *e = g_new0(Evict, 1);

        *e = (Evict){
                .request = { cancel },
                .redis = r,
                .call = call,
                .id = g_strdup(id),
                .address = g_strdup(address),
                .hostname = address ? redis_hostname_of(address) : NULL,
        };
        call->request = e;
        if (!address) {
                evict_orphan(e);
                return;
        }
        look_for_host(e, on_looked);
}
