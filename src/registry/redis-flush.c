/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A flush is answered when all that was said before has arrived: when nothing is left to be sent, and a few
 * commands, one behind the answer to the other, have come back from the end of the line. */

#include "redis-registry.h"

/* After the end of the line: what is on its way, what follows from that, and from that again. */
#define FLUSH_BARRIERS 4u

typedef struct RedisFlush {
        RedisRequest request; /* first */
        RedisRegistry *redis;
        RegistryCall *call;
        GList link; /* of RedisRegistry.flushes */
        unsigned n_barriers; /* left to pass */
        bool sent;
} RedisFlush;

static void flush_free(RedisFlush *f)
{
        redis_client_forget(f->redis->client, f);
        g_queue_unlink(&f->redis->flushes, &f->link);
        g_free(f);
}

static void flush_over(RedisFlush *f, const Fault *fault)
{
        RegistryCall *call = f->call;

        flush_free(f);
        registry_call_finish(call, fault ? NULL : &(RegistryAnswer){ 0 }, fault);
}

static void flush_send(RedisFlush *f);

static void on_flush_barrier(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisFlush *f = userdata;

        (void)reply;

        if (fault || --f->n_barriers == 0)
                flush_over(f, fault);
        else
                flush_send(f);
}

static void flush_send(RedisFlush *f)
{
        static const RedisWord ping = { "PING", 4 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        f->sent = true;
        if (redis_client_send(f->redis->client, &ping, 1, on_flush_barrier, f, &fault) < 0)
                flush_over(f, &fault);
}

static void cancel_flush(RegistryCall *call)
{
        flush_free(call->request);
}

void redis_flush(Registry *registry, RegistryCall *call)
{
        RedisRegistry *r = redis_of(registry);
        RedisFlush *f;

        if (!redis_client_is_ready(r->client)) {
                registry_call_finish(call, NULL, redis_client_why(r->client));
                return;
        }
        f = g_new0(RedisFlush, 1);
        *f = (RedisFlush){
                .request = { cancel_flush },
                .redis = r,
                .call = call,
                .link = { .data = f },
                .n_barriers = FLUSH_BARRIERS,
        };
        call->request = f;
        g_queue_push_tail_link(&r->flushes, &f->link);
        redis_pump(r);
}

void redis_flushes_pump(RedisRegistry *r)
{
        GList *next;

        if (!g_queue_is_empty(&r->dirty) || r->round.running)
                return;
        for (GList *l = r->flushes.head; l; l = next) {
                RedisFlush *f = l->data;

                next = l->next;
                if (!f->sent)
                        flush_send(f);
        }
}

void redis_flushes_fail(RedisRegistry *r, const Fault *why)
{
        while (r->flushes.head)
                flush_over(r->flushes.head->data, why);
}
