/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions about all hosts. Each is a RedisQuery until its call is answered or given up. */

#include <string.h>

#include "escape.h"
#include "host-address.h"
#include "parse.h"
#include "redis-error.h"
#include "redis-registry.h"

/* How many hosts are asked about at once. */
#define BATCH 256u

#define SET_PAGE "1000"

struct RedisQuery {
        RedisRequest request; /* first */
        RedisRegistry *redis;
        RegistryCall *call;
        GList link; /* of RedisRegistry.queries */
        char *id; /* that is looked for */
        RedisHosts *hosts; /* while they are looked for */
        GPtrArray *names; /* of hosts, or ids: those found */
        GHashTable *seen; /* the same */
        char *set_key;
        GArray *load; /* RegistryLoad of the names */
        bool as_told; /* what the hosts say, not what their sets have */
        unsigned n_asked, n_answered;
};

void redis_query_free(RedisQuery *q)
{
        redis_client_forget(q->redis->client, q);
        redis_hosts_free(q->hosts);
        g_queue_unlink(&q->redis->queries, &q->link);
        g_clear_pointer(&q->names, g_ptr_array_unref);
        g_clear_pointer(&q->seen, g_hash_table_unref);
        g_clear_pointer(&q->load, g_array_unref);
        g_free(q->set_key);
        g_free(q->id);
        g_free(q);
}

static void cancel(RegistryCall *call)
{
        redis_query_free(call->request);
}

static RedisQuery *query_new(Registry *registry, RegistryCall *call)
{
        RedisQuery *q = g_new0(RedisQuery, 1);

        *q = (RedisQuery){
                .request = { cancel }, .redis = redis_of(registry), .call = call, .link = { .data = q }
        };
        call->request = q;
        g_queue_push_tail_link(&q->redis->queries, &q->link);
        return q;
}

/* The query is gone before the callback runs; what the answer points to must not be its own. */
static void answer(RedisQuery *q, const RegistryAnswer *a)
{
        RegistryCall *call = q->call;

        redis_query_free(q);
        registry_call_finish(call, a, NULL);
}

static void fail(RedisQuery *q, const Fault *fault)
{
        RegistryCall *call = q->call;

        redis_query_free(q);
        registry_call_finish(call, NULL, fault);
}

/* -- One command, one answer -- */

/* Returns false if the query is over. */
static bool ask(RedisQuery *q, const RedisWord *words, size_t n_words, RedisReplied replied)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (redis_client_send(q->redis->client, words, n_words, replied, q, &fault) >= 0)
                return true;
        fail(q, &fault);
        return false;
}

static void fail_with_reply(RedisQuery *q, const redisReply *reply)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)redis_reply_fault(q->redis, reply, &fault);
        fail(q, &fault);
}

/* Somebody else has written into a key of ours. */
static void fail_with_value(RedisQuery *q, const char *prefix, const char *name, const redisReply *reply)
{
        g_autofree char *value = redis_printable(reply->str ? reply->str : "", reply->str ? reply->len : 0);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_FAILED,
                "The key %s%s in Redis holds what nobody of us writes there (%s); find out who does, and delete "
                "it",
                prefix, name, value);
        fail(q, &fault);
}

static bool is_foreign(const redisReply *reply)
{
        return redis_error_kind(reply) == REDIS_ERROR_WRONG_TYPE;
}

static void on_found(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;

        if (fault)
                fail(q, fault);
        else if (reply->type == REDIS_REPLY_NIL)
                answer(q, &(RegistryAnswer){ 0 });
        else if (redis_reply_is_address(reply))
                answer(q, &(RegistryAnswer){ .address = reply->str });
        else if (reply->type == REDIS_REPLY_STRING || is_foreign(reply))
                fail_with_value(q, LOCATION_PREFIX, q->id, reply);
        else
                fail_with_reply(q, reply);
}

void redis_query_find(Registry *registry, RegistryCall *call, const char *id)
{
        RedisQuery *q = query_new(registry, call);
        const RedisWord words[] = { { "GET", 3 }, redis_key(q->redis, LOCATION_PREFIX, id) };

        q->id = g_strdup(id);
        (void)ask(q, words, ELEMENTSOF(words), on_found);
}

static void on_turn(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;

        if (fault)
                fail(q, fault);
        else if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
                answer(q, &(RegistryAnswer){ .turn = (uint64_t)reply->integer });
        else if (reply->type != REDIS_REPLY_ERROR || is_foreign(reply) ||
                g_str_has_prefix(reply->str, "ERR value is not an integer") ||
                g_str_has_prefix(reply->str, "ERR increment"))
                fail_with_value(q, TURN_KEY, "", reply);
        else
                fail_with_reply(q, reply);
}

void redis_query_turn(Registry *registry, RegistryCall *call)
{
        static const RedisWord words[] = { { "INCR", 4 }, { TURN_KEY, sizeof(TURN_KEY) - 1 } };

        (void)ask(query_new(registry, call), words, ELEMENTSOF(words), on_turn);
}

static void on_turn_reset(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;

        if (fault)
                fail(q, fault);
        else if (reply->type == REDIS_REPLY_ERROR)
                fail_with_reply(q, reply);
        else
                answer(q, &(RegistryAnswer){ 0 });
}

void redis_query_reset_turn(Registry *registry, RegistryCall *call)
{
        static const RedisWord words[] = { { "DEL", 3 }, { TURN_KEY, sizeof(TURN_KEY) - 1 } };

        (void)ask(query_new(registry, call), words, ELEMENTSOF(words), on_turn_reset);
}

/* -- Members of a set, page by page -- */

static bool send_page(RedisQuery *q, const char *cursor);

/* An id that could not be one is somebody else's. */
static void take_member(RedisQuery *q, const redisReply *member)
{
        char *id;

        if (!redis_reply_is_text(member) || !id_is_valid(member->str))
                return;
        id = g_strdup(member->str);
        if (g_hash_table_add(q->seen, id))
                g_ptr_array_add(q->names, id);
        else
                g_free(id);
}

static void answer_members(RedisQuery *q)
{
        g_autoptr(GPtrArray) ids = g_ptr_array_ref(q->names);

        g_ptr_array_add(ids, NULL);
        answer(q, &(RegistryAnswer){ .ids = (char *const *)ids->pdata });
}

static void on_page(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;

        if (fault)
                fail(q, fault);
        else if (is_foreign(reply))
                fail_with_value(q, q->set_key, "", reply);
        else if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
                reply->element[0]->type != REDIS_REPLY_STRING ||
                reply->element[1]->type != REDIS_REPLY_ARRAY)
                fail_with_reply(q, reply);
        else {
                for (size_t i = 0; i < reply->element[1]->elements; i++)
                        take_member(q, reply->element[1]->element[i]);
                if (strcmp(reply->element[0]->str, "0") == 0)
                        answer_members(q);
                else
                        (void)send_page(q, reply->element[0]->str);
        }
}

static bool send_page(RedisQuery *q, const char *cursor)
{
        const RedisWord words[] = {
                { "SSCAN", 5 },
                redis_word(q->set_key),
                redis_word(cursor),
                { "COUNT", 5 },
                redis_word(SET_PAGE),
        };

        return ask(q, words, ELEMENTSOF(words), on_page);
}

void redis_query_members(Registry *registry, RegistryCall *call, const char *hostname)
{
        RedisQuery *q = query_new(registry, call);

        q->set_key = g_strconcat(HOST_SET_PREFIX, hostname, NULL);
        q->names = g_ptr_array_new_with_free_func(g_free);
        q->seen = g_hash_table_new(g_str_hash, g_str_equal);
        (void)send_page(q, "0");
}

/* -- Load -- */

static void on_size(const redisReply *reply, const Fault *fault, void *userdata);

/* Sends the next batch. Returns false if the query is over. */
static bool ask_sizes(RedisQuery *q)
{
        unsigned end = MIN(q->n_asked + BATCH, q->names->len);

        while (q->n_asked < end) {
                const char *prefix = q->as_told ? HOST_STATUS_PREFIX : HOST_SET_PREFIX;
                const RedisWord words[] = {
                        redis_word(q->as_told ? "HMGET" : "SCARD"),
                        redis_key(q->redis, prefix, q->names->pdata[q->n_asked]),
                        redis_word("agents"),
                        redis_word("capacity"),
                        redis_word("draining"),
                };

                if (!ask(q, words, q->as_told ? ELEMENTSOF(words) : 2, on_size))
                        return false;
                q->n_asked++;
        }
        return true;
}

static bool read_number(const redisReply *reply, unsigned *ret)
{
        return redis_reply_is_text(reply) && parse_uint(reply->str, 0, UINT_MAX - 1, ret) >= 0;
}

/* In the order in which it was asked. */
static bool read_status(const redisReply *reply, RegistryLoad *load)
{
        unsigned draining = 0;

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
                !read_number(reply->element[0], &load->n_agents))
                return false;
        if (!read_number(reply->element[1], &load->capacity))
                load->capacity = 0;
        load->draining = read_number(reply->element[2], &draining) && draining > 0;
        return true;
}

/* Of a host with an empty set or none, nothing is told; of one that says it has none, that. */
static bool read_load(const RedisQuery *q, const redisReply *reply, RegistryLoad *load)
{
        if (q->as_told)
                return read_status(reply, load);

        if (reply->type != REDIS_REPLY_INTEGER || reply->integer <= 0)
                return false;
        load->n_agents = (unsigned)MIN(reply->integer, UINT_MAX);
        return true;
}

static void answer_load(RedisQuery *q)
{
        g_autoptr(GPtrArray) names = g_ptr_array_ref(q->names);
        g_autoptr(GArray) load = g_array_ref(q->load);

        answer(q,
                &(RegistryAnswer){ .load = (const RegistryLoad *)(void *)load->data, .n_load = load->len });
}

static void on_size(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;
        RegistryLoad load = { 0 };

        if (fault) {
                fail(q, fault);
                return;
        }
        if (reply->type == REDIS_REPLY_ERROR && !is_foreign(reply)) {
                fail_with_reply(q, reply);
                return;
        }

        load.hostname = q->names->pdata[q->n_answered];
        if (read_load(q, reply, &load))
                g_array_append_val(q->load, load);
        q->n_answered++;
        if (q->n_answered == q->names->len)
                answer_load(q);
        else if (q->n_answered == q->n_asked)
                (void)ask_sizes(q);
}

static void begin_sizes(RedisQuery *q)
{
        q->load = g_array_new(FALSE, FALSE, sizeof(RegistryLoad));
        if (q->names->len == 0)
                answer_load(q);
        else
                (void)ask_sizes(q);
}

static void on_hosts(GPtrArray *hosts, const Fault *fault, void *userdata)
{
        RedisQuery *q = userdata;

        if (fault) {
                fail(q, fault);
                return;
        }
        q->names = g_ptr_array_ref(hosts);
        q->hosts = redis_hosts_free(q->hosts);
        begin_sizes(q);
}

void redis_query_load(Registry *registry, RegistryCall *call)
{
        RedisQuery *q = query_new(registry, call);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (redis_hosts_find(q->redis, on_hosts, q, &q->hosts, &fault) < 0)
                fail(q, &fault);
}

void redis_query_agents(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n)
{
        RedisQuery *q = query_new(registry, call);

        q->as_told = true;
        q->names = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < n; i++)
                g_ptr_array_add(q->names, g_strdup(hostnames[i]));
        begin_sizes(q);
}
