/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A round over all ids of the table: each location is renewed in one command whose answer says whose it is.
 * GETEX renews also what another host has, once: that costs nothing but that its entry lives a little
 * longer, and is a third of what a script costs the server.
 *
 * Answers have consequences, which have answers, and so on. The round is over when it has sent a few
 * commands to the end of the line, one after the other, and they have come back. */

#include <string.h>

#include "host-address.h"
#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"
#include "time-util.h"

#define RECONCILE_USEC (5 * 60 * USEC_PER_SEC)

/* Renewed; written; once more with the script's text; entered into the set. */
#define BARRIERS 4u

#define SET_PAGE "1000"

/* -- Host status -- */

static void on_status(const redisReply *reply, const Fault *fault, void *userdata);

static void send_status(RedisRegistry *r, bool whole)
{
        char n_agents[16], capacity[16];
        const RedisWord args[] = {
                redis_word(r->ttl),
                redis_word("address"),
                redis_word(r->registry.address),
                redis_word("agents"),
                { n_agents, (size_t)snprintf(n_agents, sizeof(n_agents), "%u", r->n_put) },
                redis_word("capacity"),
                { capacity, (size_t)snprintf(capacity, sizeof(capacity), "%u", r->info.capacity) },
                redis_word("draining"),
                redis_word(r->info.draining ? "1" : "0"),
                redis_word("version"),
                redis_word(AGENTHOST_VERSION),
                redis_word("life"),
                redis_word(r->life),
        };

        (void)redis_script_send(r->client, REDIS_SCRIPT_STATUS, whole, redis_word(r->status_key), args,
                ELEMENTSOF(args), on_status, r, NULL);
}

static void on_status(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;

        if (fault)
                return;
        if (redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT)
                send_status(r, true);
        else if (reply->type == REDIS_REPLY_ERROR)
                redis_note_refusal(r, reply);
        else if (reply->type == REDIS_REPLY_INTEGER) {
                /* Gone before its time: so may be what others have written. */
                if (reply->integer == 0 && r->status_stands)
                        redis_lost_distrust(r);
                r->status_stands = true;
        }
}

void redis_send_status(RedisRegistry *r)
{
        r->status_usec = USEC_INFINITY;
        r->status_sent_usec = now_usec(CLOCK_MONOTONIC);
        send_status(r, false);
}

/* -- Renewing -- */

static void renew(RedisAgent *a, bool whole);

static void take_error(RedisAgent *a, const redisReply *reply)
{
        RedisRegistry *r = a->redis;

        if (redis_error_kind(reply) == REDIS_ERROR_WRONG_TYPE) {
                redis_agent_write(a);
                return;
        }
        r->round.renewal_refused = true;
        redis_note_refusal(r, reply);
}

static void take_location(RedisAgent *a, const redisReply *reply)
{
        RedisRegistry *r = a->redis;

        if (redis_word_is(reply, r->registry.address)) {
                /* As a lost one it was not renewed. */
                if (a->known == LOCATION_LOST)
                        redis_agent_write(a);
                else
                        redis_agent_is_ours(a, r->round.reconciles || a->known != LOCATION_REGISTERED);
        } else if (redis_reply_is_address(reply) && !redis_is_ours(r, reply->str))
                redis_agent_is_lost(a, reply->str);
        else {
                if (reply->type == REDIS_REPLY_NIL && a->known == LOCATION_REGISTERED)
                        r->round.n_gone++;
                redis_agent_write(a);
        }
}

static void take_renewed(RedisAgent *a, const redisReply *reply)
{
        RedisErrorKind kind = redis_error_kind(reply);

        if (kind == REDIS_ERROR_NO_SCRIPT)
                renew(a, true);
        else if (reply->type == REDIS_REPLY_ERROR)
                take_error(a, reply);
        else
                take_location(a, reply);
}

static void on_renewed(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisAgent *a = userdata;

        a->n_waiting--;
        /* Not in the table: what erases it has been sent behind. */
        if (!fault && a->in_table)
                take_renewed(a, reply);
        redis_agent_settle(a);
}

/* An older server does not know it, and an ACL may not let us. */
static void on_getex(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisErrorKind kind = fault ? REDIS_ERROR_OTHER : redis_error_kind(reply);
        RedisAgent *a = userdata;

        if (kind != REDIS_ERROR_UNKNOWN_COMMAND && kind != REDIS_ERROR_DENIED) {
                on_renewed(reply, fault, userdata);
                return;
        }
        a->n_waiting--;
        a->redis->no_getex = true;
        if (a->in_table)
                renew(a, false);
        redis_agent_settle(a);
}

static void renew(RedisAgent *a, bool whole)
{
        RedisRegistry *r = a->redis;
        const RedisWord key = redis_key(r, LOCATION_PREFIX, a->id);
        const RedisWord args[] = { redis_word(r->registry.address), redis_word(r->ttl) };
        const RedisWord get[] = { { "GET", 3 }, key };
        const RedisWord getex[] = { { "GETEX", 5 }, key, { "EX", 2 }, redis_word(r->ttl) };
        int ret;

        if (a->known == LOCATION_LOST)
                ret = redis_client_send(r->client, get, ELEMENTSOF(get), on_renewed, a, NULL);
        else if (r->no_getex)
                ret = redis_script_send(r->client, REDIS_SCRIPT_RENEW, whole, key, args, ELEMENTSOF(args),
                        on_renewed, a, NULL);
        else
                ret = redis_client_send(r->client, getex, ELEMENTSOF(getex), on_getex, a, NULL);
        if (ret >= 0)
                a->n_waiting++;
}

/* -- Our set -- */

static void send_set_page(RedisRegistry *r, const char *cursor);

static void compare_member(RedisRegistry *r, const redisReply *member)
{
        RedisAgent *a;

        if (member->type != REDIS_REPLY_STRING)
                return;
        a = memchr(member->str, 0, member->len) ? NULL : g_hash_table_lookup(r->by_id, member->str);
        /* One that is not in the table and still there is being erased anyway. */
        if (!a)
                redis_erase_stranger(r, member->str, member->len);
}

static void replace_set(RedisRegistry *r)
{
        const RedisWord words[] = { { "DEL", 3 }, redis_word(r->set_key) };

        log_warning("Redis: the key %s held something else than a set, replaced", r->set_key);
        (void)redis_client_send(r->client, words, ELEMENTSOF(words), redis_ignore, NULL, NULL);
}

static void on_set_page(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;

        if (fault)
                return;
        r->round.set_done = true;
        if (redis_error_kind(reply) == REDIS_ERROR_WRONG_TYPE)
                replace_set(r);
        else if (reply->type == REDIS_REPLY_ERROR)
                redis_note_refusal(r, reply);
        else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[0]->type == REDIS_REPLY_STRING &&
                reply->element[1]->type == REDIS_REPLY_ARRAY) {
                for (size_t i = 0; i < reply->element[1]->elements; i++)
                        compare_member(r, reply->element[1]->element[i]);
                if (strcmp(reply->element[0]->str, "0") != 0)
                        send_set_page(r, reply->element[0]->str);
        }
}

static void send_set_page(RedisRegistry *r, const char *cursor)
{
        const RedisWord words[] = {
                { "SSCAN", 5 },
                redis_word(r->set_key),
                redis_word(cursor),
                { "COUNT", 5 },
                redis_word(SET_PAGE),
        };

        r->round.set_done = redis_client_send(r->client, words, ELEMENTSOF(words), on_set_page, r, NULL) < 0;
}

/* -- The round -- */

static void send_barrier(RedisRegistry *r);

static void on_barrier(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;

        (void)reply;

        if (fault)
                return;
        if (--r->round.n_barriers > 0)
                send_barrier(r);
        else
                redis_round_over(r);
}

static void send_barrier(RedisRegistry *r)
{
        static const RedisWord ping = { "PING", 4 };

        (void)redis_client_send(r->client, &ping, 1, on_barrier, r, NULL);
}

void redis_round_pump(RedisRegistry *r)
{
        RedisRound *round = &r->round;

        if (!round->running || round->ending)
                return;

        while (round->next && redis_client_has_room(r->client)) {
                RedisAgent *a = round->next->data;

                round->next = round->next->next;
                if (a->in_table)
                        renew(a, false);
        }
        if (!round->next && round->set_done) {
                round->ending = true;
                send_barrier(r);
        }
}

void redis_round_begin(RedisRegistry *r)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (r->round.running || !redis_client_is_ready(r->client))
                return;

        /* What was refused between rounds is tried again in this one. */
        redis_round_abort(r);
        r->round = (RedisRound){
                .running = true,
                .reconciles = r->reconciled_usec == 0 || now - r->reconciled_usec >= RECONCILE_USEC,
                .next = r->agents.head,
                .n_barriers = BARRIERS,
                .set_done = true,
                .begun_usec = now,
        };
        redis_send_status(r);
        if (r->round.reconciles) {
                r->reconciled_usec = now;
                send_set_page(r, "0");
        }
        redis_round_pump(r);
}

void redis_round_abort(RedisRegistry *r)
{
        fault_done(&r->round.refusal);
        r->round = (RedisRound){ 0 };
}
