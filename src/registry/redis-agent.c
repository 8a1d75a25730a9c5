/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One id of the registry. What is sent for it is answered in its order, so each command only has to be right
 * for the moment in which it is sent; only what follows from an answer asks whether it still holds.
 *
 * First the location is written, then the set: a crash in between leaves an agent that can be found, and a
 * set that the next round puts right. What is erased goes in the same order. */

#include "host-address.h"
#include "log.h"
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

static RedisAgent *find_or_new(RedisRegistry *r, const char *id)
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

static void leave_set_of(RedisAgent *a, const char *address)
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

/* -- Claims and writes -- */

typedef enum Claimed {
        CLAIMED_OURS,
        CLAIMED_OTHER, /* what follows the first byte of the reply is who has it */
        CLAIMED_UNSENT, /* the script is not known there: once more */
        CLAIMED_INVALID, /* the script took for an address what is none: once more, by force */
        CLAIMED_REFUSED,
} Claimed;

static Claimed judge(RedisAgent *a, const redisReply *reply)
{
        g_autofree char *text = NULL;

        if (reply->type == REDIS_REPLY_INTEGER)
                return CLAIMED_OURS;
        if (reply->type != REDIS_REPLY_STRING || reply->len < 1)
                return redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT ? CLAIMED_UNSENT : CLAIMED_REFUSED;

        switch (reply->str[0]) {
        case '-':
                return host_address_is_valid(reply->str + 1) ? CLAIMED_OTHER : CLAIMED_INVALID;
        case '+':
                if (host_address_is_valid(reply->str + 1))
                        leave_set_of(a, reply->str + 1);
                return CLAIMED_OURS;
        default:
                text = redis_printable(reply->str + 1, reply->len - 1);
                log_warning("Redis: in the key " LOCATION_PREFIX
                            "%s stood what is no location, replaced: %s",
                        a->id, text);
                return CLAIMED_OURS;
        }
}

static int send_claim(
        RedisAgent *a, bool takeover, bool whole, RedisReplied replied, void *userdata, Fault *fault)
{
        RedisRegistry *r = a->redis;
        const RedisWord args[] = {
                redis_word(r->registry.address),
                redis_word(r->ttl),
                redis_word(r->prefix),
                redis_word(r->former_address),
                redis_word(takeover ? "1" : "0"),
        };
        int ret;

        ret = redis_script_send(r->client, REDIS_SCRIPT_CLAIM, whole, redis_key(r, LOCATION_PREFIX, a->id),
                args, ELEMENTSOF(args), replied, userdata, fault);
        if (ret < 0)
                return ret;
        a->n_waiting++;
        a->n_writing++;
        return 0;
}

static void send_write(RedisAgent *a, bool takeover, bool whole);

static void on_written(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        a->n_writing--;
        /* Not in the table: what erases it has been sent behind. */
        if (!fault && a->in_table)
                switch (judge(a, reply)) {
                case CLAIMED_OURS:
                        redis_agent_is_ours(a, true);
                        break;
                case CLAIMED_OTHER:
                        redis_agent_is_lost(a, reply->str + 1);
                        break;
                case CLAIMED_UNSENT:
                        send_write(a, false, true);
                        break;
                case CLAIMED_INVALID:
                        send_write(a, true, false);
                        break;
                case CLAIMED_REFUSED:
                        redis_note_refusal(a->redis, reply);
                        break;
                }
        redis_agent_settle(a);
}

static void send_write(RedisAgent *a, bool takeover, bool whole)
{
        /* While the server is away nothing is to be remembered: after the connect all of the table is gone
         * through. */
        if (send_claim(a, takeover, whole, on_written, a, NULL) < 0 &&
                redis_client_is_ready(a->redis->client))
                redis_agent_mark_dirty(a);
}

void redis_agent_write(RedisAgent *a)
{
        if (a->n_writing == 0)
                send_write(a, false, false);
}

typedef struct Claim {
        RedisRequest request; /* first */
        RedisAgent *agent;
        RegistryCall *call; /* NULL: nobody waits any more */
        bool takeover;
} Claim;

static void on_claimed(const redisReply *reply, const Fault *fault, void *userdata);

/* Returns whether it has been asked again. */
static bool claim_again(Claim *claim, Claimed claimed, Fault *fault)
{
        bool whole = claimed == CLAIMED_UNSENT, by_force = claimed == CLAIMED_INVALID;

        if (!claim->call || (!whole && !by_force))
                return false;
        return send_claim(claim->agent, claim->takeover || by_force, whole, on_claimed, claim, fault) >= 0;
}

/* What the answer means for the agent, and for who has asked. */
static int take_claimed(Claim *claim, const redisReply *reply, Claimed claimed, Fault *fault)
{
        RedisAgent *a = claim->agent;

        switch (claimed) {
        case CLAIMED_OURS:
                /* Given up meanwhile: what gives it back has been sent behind. */
                if (claim->call)
                        a->in_table = true;
                if (a->in_table)
                        redis_agent_is_ours(a, true);
                return 0;
        case CLAIMED_OTHER:
                if (a->in_table)
                        redis_agent_is_lost(a, reply->str + 1);
                return registry_fault_exists(fault, a->id, reply->str + 1);
        default:
                return redis_reply_fault(a->redis, reply, fault);
        }
}

static void on_claimed(const redisReply *reply, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault refusal = FAULT_INIT;
        Claim *claim = userdata;
        RedisAgent *a = claim->agent;
        RegistryCall *call = claim->call;

        a->n_waiting--;
        a->n_writing--;
        if (!fault) {
                Claimed claimed = judge(a, reply);

                if (claim_again(claim, claimed, &refusal))
                        return;
                if (refusal.kind == FAULT_NONE)
                        (void)take_claimed(claim, reply, claimed, &refusal);
                if (refusal.kind != FAULT_NONE)
                        fault = &refusal;
        }
        g_free(claim);
        redis_agent_settle(a);
        if (call)
                registry_call_finish(call, fault ? NULL : &(RegistryAnswer){ 0 }, fault);
}

/* -- Erasing -- */

static bool send_release(RedisAgent *a, bool whole);

static void on_released(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        if (!a->in_table) {
                bool unsent = reply && redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT;

                /* What has become of it is not known: after the connect once more. */
                if (fault || (unsent && !send_release(a, true)))
                        redis_agent_mark_dirty(a);
        }
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

static void erase(RedisAgent *a)
{
        if (!send_release(a, false) || !change_set(a, "SREM", a->redis->set_key))
                redis_agent_mark_dirty(a);
}

static void cancel_claim(RegistryCall *call)
{
        Claim *claim = call->request;

        claim->call = NULL;
        if (!claim->agent->in_table)
                erase(claim->agent);
}

void redis_agent_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover)
{
        RedisAgent *a = find_or_new(redis_of(registry), id);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Claim *claim = g_new0(Claim, 1);

        *claim = (Claim){ .request = { cancel_claim }, .agent = a, .call = call, .takeover = takeover };
        if (send_claim(a, takeover, false, on_claimed, claim, &fault) < 0) {
                g_free(claim);
                redis_agent_settle(a);
                registry_call_finish(call, NULL, &fault);
                return;
        }
        call->request = claim;
}

void redis_erase_stranger(RedisRegistry *r, const char *id, size_t size)
{
        const RedisWord args[] = { redis_word(r->prefix), redis_word(r->former_address) };
        const RedisWord words[] = { { "SREM", 4 }, redis_word(r->set_key), { id, size } };
        g_autoptr(GString) key = g_string_new(LOCATION_PREFIX);

        g_string_append_len(key, id, (gssize)size);
        (void)redis_script_send(r->client, REDIS_SCRIPT_RELEASE, false, (RedisWord){ key->str, key->len },
                args, ELEMENTSOF(args), redis_ignore, NULL, NULL);
        (void)redis_client_send(r->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

/* -- What the host says -- */

LocationState redis_agent_put(Registry *registry, const char *id)
{
        RedisRegistry *r = redis_of(registry);
        RedisAgent *a = find_or_new(r, id);

        leave_dirty(a);
        if (!a->in_table)
                a->known = LOCATION_PENDING;
        if (!a->is_put)
                r->n_put++;
        a->in_table = a->is_put = true;
        if (a->known == LOCATION_PENDING)
                redis_agent_write(a);
        a->told = a->known;
        return a->told;
}

void redis_agent_drop(Registry *registry, const char *id)
{
        RedisRegistry *r = redis_of(registry);
        RedisAgent *a = g_hash_table_lookup(r->by_id, id);

        if (!a || !a->in_table)
                return;

        if (a->is_put)
                r->n_put--;
        a->in_table = a->is_put = a->alive_told = false;
        a->known = LOCATION_PENDING;
        g_clear_pointer(&a->other, g_free);
        erase(a);
}

void redis_agent_mend(RedisAgent *a)
{
        leave_dirty(a);
        if (a->in_table)
                redis_agent_write(a);
        else
                erase(a);
}
