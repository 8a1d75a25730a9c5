/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes out of the hosts' sets what has no location any more, set by set and page by page. An id may be
 * written just while it is looked at: so it is looked at again behind its removal, and put back. */

#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"

#define SET_PAGE "500"

/* The lease is shorter than the time until its holder asks again. */
#define LEASE_PERCENT 90u

struct RedisCleanup {
        RedisRequest request; /* first */
        RedisRegistry *redis;
        RegistryCall *call; /* NULL: nobody waits */
        GList link; /* of RedisRegistry.cleanups */
        bool whole; /* this host's own set too */
        RedisHosts *hosts; /* while they are looked for */
        GPtrArray *names;
        unsigned n_names; /* whose turn has come */
        char *set_key; /* of the host whose turn it is */
        char *cursor; /* of the next page; NULL: there is none */
        GPtrArray *page,
                *gone; /* GBytes, whatever stands there: ids of the page; those without a location */
        unsigned n_answered; /* of either */
        GHashTable *removed; /* ids */
};

void redis_cleanup_free(RedisCleanup *c)
{
        redis_client_forget(c->redis->client, c);
        redis_hosts_free(c->hosts);
        g_queue_unlink(&c->redis->cleanups, &c->link);
        g_clear_pointer(&c->names, g_ptr_array_unref);
        g_ptr_array_unref(c->page);
        g_ptr_array_unref(c->gone);
        g_hash_table_unref(c->removed);
        g_free(c->set_key);
        g_free(c->cursor);
        g_free(c);
}

static void cancel(RegistryCall *call)
{
        redis_cleanup_free(call->request);
}

static void fail(RedisCleanup *c, const Fault *fault)
{
        RegistryCall *call = c->call;

        redis_cleanup_free(c);
        if (call)
                registry_call_finish(call, NULL, fault);
}

static void fail_with_reply(RedisCleanup *c, const redisReply *reply)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)redis_reply_fault(c->redis, reply, &fault);
        fail(c, &fault);
}

static void finish(RedisCleanup *c)
{
        g_autoptr(GHashTable) removed = g_hash_table_ref(c->removed);
        g_autofree char **ids = (char **)g_hash_table_get_keys_as_array(removed, NULL);
        RegistryCall *call = c->call;

        if (g_hash_table_size(removed) > 0)
                log_info("Agents that are nowhere any more, taken out of their hosts' sets in Redis: %u",
                        g_hash_table_size(removed));
        redis_cleanup_free(c);
        if (call)
                registry_call_finish(call, &(RegistryAnswer){ .ids = ids }, NULL);
}

/* Returns false if the cleanup is over. */
static bool ask(RedisCleanup *c, const RedisWord *words, size_t n_words, RedisReplied replied)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (redis_client_send(c->redis->client, words, n_words, replied, c, &fault) >= 0)
                return true;
        fail(c, &fault);
        return false;
}

static RedisWord id_of(GBytes *id)
{
        size_t size;
        const char *data = g_bytes_get_data(id, &size);

        return (RedisWord){ data, size };
}

static bool ask_about(
        RedisCleanup *c, const char *command, const char *prefix, GBytes *id, RedisReplied replied)
{
        const RedisWord words[] = { redis_word(command), redis_key_of(c->redis, prefix, id_of(id)) };

        return ask(c, words, ELEMENTSOF(words), replied);
}

static bool ask_location(RedisCleanup *c, GBytes *id, RedisReplied replied)
{
        return ask_about(c, "GET", LOCATION_PREFIX, id, replied);
}

/* command: SADD or SREM. What becomes of it does not matter: the next cleanup looks again. */
static void change_set(RedisCleanup *c, const char *command, GBytes *id)
{
        const RedisWord words[] = { redis_word(command), redis_word(c->set_key), id_of(id) };

        (void)redis_client_send(c->redis->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

/* Whether a location is that of the host whose set this is. */
static bool is_here(const RedisCleanup *c, const redisReply *reply)
{
        g_autofree char *hostname = redis_hostname_of(reply->str);

        return strcmp(hostname, c->set_key + strlen(HOST_SET_PREFIX)) == 0;
}

static void next_page(RedisCleanup *c);

/* -- What has gone is taken out, and looked at once more -- */

static void note_removed(RedisCleanup *c, GBytes *id)
{
        RedisWord word = id_of(id);
        char *text = g_strndup(word.data, word.size);

        if (strlen(text) == word.size && id_is_valid(text))
                g_hash_table_add(c->removed, text);
        else
                g_free(text);
}

static void on_looked_again(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisCleanup *c = userdata;
        GBytes *id;

        if (fault) {
                fail(c, fault);
                return;
        }
        id = c->gone->pdata[c->n_answered++];
        if (reply->type == REDIS_REPLY_NIL)
                note_removed(c, id);
        else if (redis_reply_is_address(reply) && is_here(c, reply))
                change_set(c, "SADD", id);
        if (c->n_answered == c->gone->len)
                next_page(c);
}

static void remove_gone(RedisCleanup *c)
{
        while (g_ptr_array_remove(c->gone, NULL))
                ;
        c->n_answered = 0;
        if (c->gone->len == 0) {
                next_page(c);
                return;
        }
        for (unsigned i = 0; i < c->gone->len; i++) {
                change_set(c, "SREM", c->gone->pdata[i]);
                if (!ask_location(c, c->gone->pdata[i], on_looked_again))
                        return;
        }
}

/* -- What is kept for the time after its host is not gone: it is to be placed again -- */

static void on_spec(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisCleanup *c = userdata;

        if (fault) {
                fail(c, fault);
                return;
        }
        if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
                g_clear_pointer((GBytes **)&c->gone->pdata[c->n_answered], g_bytes_unref);
        if (++c->n_answered == c->gone->len)
                remove_gone(c);
}

static void look_for_specs(RedisCleanup *c)
{
        c->n_answered = 0;
        if (c->gone->len == 0) {
                next_page(c);
                return;
        }
        for (unsigned i = 0; i < c->gone->len; i++)
                if (!ask_about(c, "EXISTS", SPEC_PREFIX, c->gone->pdata[i], on_spec))
                        return;
}

/* -- A page -- */

static void on_location(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisCleanup *c = userdata;
        GBytes *id;

        if (fault) {
                fail(c, fault);
                return;
        }
        id = c->page->pdata[c->n_answered++];
        if (reply->type == REDIS_REPLY_NIL)
                g_ptr_array_add(c->gone, g_bytes_ref(id));
        /* It has moved: it is in another host's set. What is no address is for its host to put right. */
        else if (redis_reply_is_address(reply) && !is_here(c, reply))
                change_set(c, "SREM", id);
        if (c->n_answered == c->page->len)
                look_for_specs(c);
}

static void take_page(RedisCleanup *c, const redisReply *ids)
{
        for (size_t i = 0; i < ids->elements; i++)
                if (ids->element[i]->type == REDIS_REPLY_STRING)
                        g_ptr_array_add(c->page, g_bytes_new(ids->element[i]->str, ids->element[i]->len));
        if (c->page->len == 0) {
                next_page(c);
                return;
        }
        for (unsigned i = 0; i < c->page->len; i++)
                if (!ask_location(c, c->page->pdata[i], on_location))
                        return;
}

static void next_host(RedisCleanup *c);

static void on_page(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisCleanup *c = userdata;

        if (fault)
                fail(c, fault);
        /* No set: not ours to touch. */
        else if (redis_error_kind(reply) == REDIS_ERROR_WRONG_TYPE)
                next_host(c);
        else if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
                reply->element[0]->type != REDIS_REPLY_STRING ||
                reply->element[1]->type != REDIS_REPLY_ARRAY)
                fail_with_reply(c, reply);
        else {
                g_free(c->cursor);
                c->cursor =
                        strcmp(reply->element[0]->str, "0") == 0 ? NULL : g_strdup(reply->element[0]->str);
                take_page(c, reply->element[1]);
        }
}

static void ask_page(RedisCleanup *c, const char *cursor)
{
        const RedisWord words[] = {
                { "SSCAN", 5 },
                redis_word(c->set_key),
                redis_word(cursor),
                { "COUNT", 5 },
                redis_word(SET_PAGE),
        };

        (void)ask(c, words, ELEMENTSOF(words), on_page);
}

static void next_page(RedisCleanup *c)
{
        g_ptr_array_set_size(c->page, 0);
        g_ptr_array_set_size(c->gone, 0);
        c->n_answered = 0;
        if (c->cursor)
                ask_page(c, c->cursor);
        else
                next_host(c);
}

/* -- Hosts -- */

static void next_host(RedisCleanup *c)
{
        const char *name;

        do {
                if (c->n_names == c->names->len) {
                        finish(c);
                        return;
                }
                name = c->names->pdata[c->n_names++];
                /* The rounds look after our own. */
        } while (!c->whole && strcmp(name, c->redis->registry.hostname) == 0);

        g_free(c->set_key);
        c->set_key = g_strconcat(HOST_SET_PREFIX, name, NULL);
        ask_page(c, "0");
}

static void on_hosts(GPtrArray *hosts, const Fault *fault, void *userdata)
{
        RedisCleanup *c = userdata;

        if (fault) {
                fail(c, fault);
                return;
        }
        c->names = g_ptr_array_ref(hosts);
        c->hosts = redis_hosts_free(c->hosts);
        next_host(c);
}

static void begin(RedisRegistry *r, RegistryCall *call)
{
        RedisCleanup *c = g_new0(RedisCleanup, 1);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        *c = (RedisCleanup){
                .request = { cancel },
                .redis = r,
                .call = call,
                .link = { .data = c },
                .whole = call,
                .page = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                .gone = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                .removed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        if (call)
                call->request = c;
        g_queue_push_tail_link(&r->cleanups, &c->link);
        if (redis_hosts_find(r, on_hosts, c, &c->hosts, &fault) < 0)
                fail(c, &fault);
}

void redis_cleanup_call(Registry *registry, RegistryCall *call)
{
        begin(redis_of(registry), call);
}

static void on_lease(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;

        if (!fault && reply->type == REDIS_REPLY_STATUS && g_queue_is_empty(&r->cleanups))
                begin(r, NULL);
}

void redis_cleanup_by_lease(RedisRegistry *r)
{
        char milliseconds[24];
        const RedisWord words[] = {
                { "SET", 3 },
                redis_word(CLEANUP_LEASE_KEY),
                redis_word(r->registry.hostname),
                { "NX", 2 },
                { "PX", 2 },
                { milliseconds,
                        (size_t)snprintf(milliseconds, sizeof(milliseconds), "%" PRIu64,
                                r->ttl_usec / USEC_PER_MSEC * LEASE_PERCENT / 100) },
        };

        (void)redis_client_send(r->client, words, ELEMENTSOF(words), on_lease, r, NULL);
}
