/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hosts that have a set: a scan over the keys of the server, which may name one twice. */

#include <string.h>

#include "host-address.h"
#include "redis-registry.h"

#define PAGE "1000"

struct RedisHosts {
        RedisRegistry *redis;
        RedisHostsFound done;
        void *userdata;
        GHashTable *seen; /* names */
        GPtrArray *names; /* the same, owned by it */
};

RedisHosts *redis_hosts_free(RedisHosts *h)
{
        if (!h)
                return NULL;

        redis_client_forget(h->redis->client, h);
        g_hash_table_unref(h->seen);
        g_ptr_array_unref(h->names);
        g_free(h);
        return NULL;
}

/* Names that cannot be a host's are not ours, nor the original's. */
static void take_key(RedisHosts *h, const redisReply *key)
{
        g_autofree char *address = NULL;
        char *name;

        if (!redis_reply_is_text(key) || !g_str_has_prefix(key->str, HOST_SET_PREFIX))
                return;
        name = g_strdup(key->str + strlen(HOST_SET_PREFIX));
        address = g_strconcat(name, ":1", NULL);
        if (!host_address_is_valid(address) || !g_hash_table_add(h->seen, name)) {
                g_free(name);
                return;
        }
        g_ptr_array_add(h->names, name);
}

static void finish(RedisHosts *h, const Fault *fault)
{
        h->done(fault ? NULL : h->names, fault, h->userdata);
}

static int send_page(RedisHosts *h, const char *cursor, Fault *fault);

static void on_page(const redisReply *reply, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault refusal = FAULT_INIT;
        RedisHosts *h = userdata;

        if (fault) {
                finish(h, fault);
                return;
        }
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
                reply->element[0]->type != REDIS_REPLY_STRING ||
                reply->element[1]->type != REDIS_REPLY_ARRAY) {
                (void)redis_reply_fault(h->redis, reply, &refusal);
                finish(h, &refusal);
                return;
        }

        for (size_t i = 0; i < reply->element[1]->elements; i++)
                take_key(h, reply->element[1]->element[i]);
        if (strcmp(reply->element[0]->str, "0") == 0)
                finish(h, NULL);
        else if (send_page(h, reply->element[0]->str, &refusal) < 0)
                finish(h, &refusal);
}

static int send_page(RedisHosts *h, const char *cursor, Fault *fault)
{
        const RedisWord words[] = {
                { "SCAN", 4 },
                redis_word(cursor),
                { "MATCH", 5 },
                redis_word(HOST_SET_PREFIX "*"),
                { "COUNT", 5 },
                redis_word(PAGE),
        };

        return redis_client_send(h->redis->client, words, ELEMENTSOF(words), on_page, h, fault);
}

int redis_hosts_find(RedisRegistry *r, RedisHostsFound done, void *userdata, RedisHosts **ret, Fault *fault)
{
        RedisHosts *h = g_new0(RedisHosts, 1);
        int ret_send;

        *h = (RedisHosts){
                .redis = r,
                .done = done,
                .userdata = userdata,
                .seen = g_hash_table_new(g_str_hash, g_str_equal),
                .names = g_ptr_array_new_with_free_func(g_free),
        };
        ret_send = send_page(h, "0", fault);
        if (ret_send < 0) {
                redis_hosts_free(h);
                return ret_send;
        }
        *ret = h;
        return 0;
}
