/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One id of the registry. What is sent for it is answered in its order, so each command only has to be right
 * for the moment in which it is sent; only what follows from an answer asks whether it still holds.
 *
 * First the location is written, then the set: a crash in between leaves an agent that can be found, and a
 * set that the next round puts right. What is erased goes in the same order, but for a spec that is kept: it
 * goes first, lest an agent that has ended is placed again. */

#include "redis-error.h"
#include "redis-registry.h"

static RedisAgent *agent_new(RedisRegistry *r, const char *id)
{
        RedisAgent *a = g_new0(RedisAgent, 1);

        *a = (RedisAgent){
                .redis = r,
                .id = g_strdup(id),
                .known = LOCATION_PENDING,
                .told = LOCATION_PENDING,
        };
        a->link.data = a->dirty_link.data = a;
        g_queue_push_head_link(&r->agents, &a->link);
        g_hash_table_insert(r->by_id, a->id, a);
        return a;
}

RedisAgent *redis_agent_find(const RedisRegistry *r, const char *id)
{
        RedisAgent *a = g_hash_table_lookup(r->by_id, id);

        return a && a->in_table ? a : NULL;
}

RedisAgent *redis_agent_get(RedisRegistry *r, const char *id)
{
        RedisAgent *a = g_hash_table_lookup(r->by_id, id);

        return a ? a : agent_new(r, id);
}

static void leave_dirty(RedisAgent *a)
{
        if (a->is_dirty)
                g_queue_unlink(&a->redis->dirty, &a->dirty_link);
        a->is_dirty = false;
}

void redis_agent_free(void *agent)
{
        RedisAgent *a = agent;
        RedisRegistry *r = a->redis;

        if (r->round.next == &a->link)
                r->round.next = a->link.next;
        if (r->expire_next == &a->link)
                r->expire_next = a->link.next;
        leave_dirty(a);
        g_queue_unlink(&r->agents, &a->link);
        g_free(a->other);
        g_free(a->id);
        g_free(a);
}

void redis_agent_settle(RedisAgent *a)
{
        if (!a->in_table && !a->is_dirty && a->n_waiting == 0)
                g_hash_table_remove(a->redis->by_id, a->id);
}

void redis_agent_mark_dirty(RedisAgent *a)
{
        if (!a->is_dirty)
                g_queue_push_tail_link(&a->redis->dirty, &a->dirty_link);
        a->is_dirty = true;
}

static void tell(RedisAgent *a, LocationState state, const RegistryConflict *conflict)
{
        if (!a->is_put)
                return;
        a->told = state;
        registry_tell_location(&a->redis->registry, a->id, state, conflict);
}

/* -- Sets -- */

static void on_set_changed(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        (void)fault;

        a->n_waiting--;
        if (reply && reply->type == REDIS_REPLY_ERROR) {
                redis_note_refusal(a->redis, reply);
                /* The round that compares mends it. */
                a->redis->reconciled_usec = 0;
        }
        redis_agent_settle(a);
}

/* command: SADD or SREM. Returns whether it is sent. */
static bool change_set(RedisAgent *a, const char *command, const char *set_key)
{
        const RedisWord words[] = { redis_word(command), redis_word(set_key), redis_word(a->id) };

        if (redis_client_send(a->redis->client, words, ELEMENTSOF(words), on_set_changed, a, NULL) < 0)
                return false;
        a->n_waiting++;
        return true;
}

void redis_agent_leave_set_of(RedisAgent *a, const char *address)
{
        g_autofree char *hostname = redis_hostname_of(address),
                        *set_key = g_strconcat(HOST_SET_PREFIX, hostname, NULL);

        (void)change_set(a, "SREM", set_key);
}

/* -- What is known -- */

void redis_agent_is_ours(RedisAgent *a, bool enter_set)
{
        a->known = LOCATION_REGISTERED;
        a->alive_told = false;
        g_clear_pointer(&a->other, g_free);
        if (enter_set && !change_set(a, "SADD", a->redis->set_key))
                a->redis->reconciled_usec = 0;
        if (enter_set)
                redis_spec_compare(a);
        if (a->told != LOCATION_REGISTERED)
                tell(a, LOCATION_REGISTERED, NULL);
}

static void on_other_seen(const redisReply *reply, const Fault *fault, void *userdata)
{
        bool alive = reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
        RedisAgent *a = userdata;

        a->n_waiting--;
        if (!fault && a->is_put && a->known == LOCATION_LOST &&
                (a->told != LOCATION_LOST || (alive && !a->alive_told))) {
                g_autofree char *other = g_strdup(a->other);

                a->alive_told = alive;
                tell(a, LOCATION_LOST, &(RegistryConflict){ .address = other, .alive = alive });
        }
        redis_agent_settle(a);
}

/* Whether it says itself that it is there. */
static void look_for_other(RedisAgent *a)
{
        g_autofree char *hostname = redis_hostname_of(a->other),
                        *status_key = g_strconcat(HOST_STATUS_PREFIX, hostname, NULL);
        const RedisWord words[] = { { "EXISTS", 6 }, redis_word(status_key) };

        if (redis_client_send(a->redis->client, words, ELEMENTSOF(words), on_other_seen, a, NULL) >= 0)
                a->n_waiting++;
}

void redis_agent_is_lost(RedisAgent *a, const char *address)
{
        bool is_new = a->known != LOCATION_LOST || g_strcmp0(a->other, address) != 0;

        if (is_new) {
                g_free(a->other);
                a->other = g_strdup(address);
                a->known = LOCATION_LOST;
                a->alive_told = false;
                (void)change_set(a, "SREM", a->redis->set_key);
        }
        if (!a->alive_told)
                look_for_other(a);
}

void redis_agent_expired(RedisAgent *a)
{
        if (a->known != LOCATION_REGISTERED)
                return;

        a->known = LOCATION_PENDING;
        if (a->told == LOCATION_REGISTERED)
                tell(a, LOCATION_PENDING, NULL);
}

/* -- Erasing -- */

bool redis_agent_has_released(
        RedisAgent *a, const redisReply *reply, const Fault *fault, bool (*send)(RedisAgent *a, bool whole))
{
        bool unsent = reply && redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT;

        /* What has become of it is not known: after the connect once more. */
        if (fault || (unsent && !send(a, true)))
                redis_agent_mark_dirty(a);
        return !fault && !unsent;
}

static bool send_release(RedisAgent *a, bool whole);

static void on_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        if (!a->in_table)
                (void)redis_agent_has_released(a, reply, fault, send_release);
        redis_agent_settle(a);
}

static bool send_release(RedisAgent *a, bool whole)
{
        RedisRegistry *r = a->redis;
        const RedisWord args[] = { redis_word(r->prefix), redis_word(r->former_address) };

        if (redis_script_send(r->client, REDIS_SCRIPT_RELEASE, whole, redis_key(r, LOCATION_PREFIX, a->id),
                    args, ELEMENTSOF(args), on_released, a, NULL) < 0)
                return false;
        a->n_waiting++;
        return true;
}

void redis_agent_erase(RedisAgent *a)
{
        if (!redis_spec_erase(a) || !send_release(a, false) || !change_set(a, "SREM", a->redis->set_key))
                redis_agent_mark_dirty(a);
}

void redis_erase_stranger(RedisRegistry *r, const char *id, size_t size)
{
        const RedisWord args[] = { redis_word(r->prefix), redis_word(r->former_address) };
        const RedisWord word = { id, size }, words[] = { { "SREM", 4 }, redis_word(r->set_key), word };

        (void)redis_spec_release(r, word, r->registry.hostname, r->life, false, redis_ignore, NULL, NULL);
        (void)redis_script_send(r->client, REDIS_SCRIPT_RELEASE, false,
                redis_key_of(r, LOCATION_PREFIX, word), args, ELEMENTSOF(args), redis_ignore, NULL, NULL);
        (void)redis_client_send(r->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

/* -- What the host says -- */

LocationState redis_agent_put(Registry *registry, const char *id)
{
        RedisRegistry *r = redis_of(registry);
        RedisAgent *a = redis_agent_get(r, id);

        leave_dirty(a);
        if (!a->in_table)
                a->known = LOCATION_PENDING;
        if (!a->is_put) {
                r->n_put++;
                redis_status_soon(r);
        }
        a->in_table = a->is_put = true;
        if (a->known == LOCATION_PENDING)
                redis_agent_write(a);
        a->told = a->known;
        return a->told;
}

void redis_agent_drop(Registry *registry, const char *id)
{
        RedisRegistry *r = redis_of(registry);
        RedisAgent *a = redis_agent_find(r, id);

        if (!a)
                return;

        if (a->is_put) {
                r->n_put--;
                redis_status_soon(r);
        }
        a->in_table = a->is_put = a->alive_told = a->keeps_spec = false;
        a->known = LOCATION_PENDING;
        g_clear_pointer(&a->other, g_free);
        redis_agent_erase(a);
}

void redis_agent_mend(RedisAgent *a)
{
        leave_dirty(a);
        if (a->in_table)
                redis_agent_write(a);
        else
                redis_agent_erase(a);
}
