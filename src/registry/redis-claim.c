/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the location of an id ours. Usually nobody has it: then SET with NX and GET does it, or says who has
 * it (Redis 7.0, Valkey). Whatever else stands there is for a script, and so is an older server. */

#include <string.h>

#include "host-address.h"
#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"

typedef enum Way {
        WAY_PLAIN,
        WAY_SCRIPT,
        WAY_WHOLE_SCRIPT, /* with its text */
} Way;

typedef enum Claimed {
        CLAIMED_OURS,
        CLAIMED_OTHER, /* another host has it, who is not to be disturbed */
        CLAIMED_NEEDS_SCRIPT,
        CLAIMED_NEEDS_TEXT, /* the server does not know the script */
        CLAIMED_NEEDS_FORCE, /* the script took for an address what is none */
        CLAIMED_REFUSED,
} Claimed;

typedef struct Verdict {
        Claimed claimed;
        const char *other; /* the address of who has it; the reply's */
} Verdict;

static Verdict judge_plain(RedisAgent *a, bool takeover, const redisReply *reply)
{
        RedisRegistry *r = a->redis;

        if (reply->type == REDIS_REPLY_NIL)
                return (Verdict){ CLAIMED_OURS, NULL };
        if (reply->type != REDIS_REPLY_ERROR) {
                bool is_others = redis_reply_is_address(reply) && !redis_is_ours(r, reply->str);

                return is_others && !takeover ? (Verdict){ CLAIMED_OTHER, reply->str }
                                              : (Verdict){ CLAIMED_NEEDS_SCRIPT, NULL };
        }
        if (g_str_has_prefix(reply->str, "ERR syntax"))
                r->no_nx_get = true;
        else if (redis_error_kind(reply) != REDIS_ERROR_WRONG_TYPE)
                return (Verdict){ CLAIMED_REFUSED, NULL };
        return (Verdict){ CLAIMED_NEEDS_SCRIPT, NULL };
}

static void log_replaced(const RedisAgent *a, const redisReply *reply)
{
        g_autofree char *text = redis_printable(reply->str + 1, reply->len - 1);

        log_warning("Redis: in the key " LOCATION_PREFIX "%s stood what is no location, replaced: %s", a->id,
                text);
}

static Verdict judge_script(RedisAgent *a, const redisReply *reply)
{
        const char *address;

        if (reply->type == REDIS_REPLY_INTEGER)
                return (Verdict){ CLAIMED_OURS, NULL };
        if (redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT)
                return (Verdict){ CLAIMED_NEEDS_TEXT, NULL };
        if (reply->type != REDIS_REPLY_STRING || reply->len < 1)
                return (Verdict){ CLAIMED_REFUSED, NULL };

        address = reply->str + 1;
        switch (reply->str[0]) {
        case '-':
                return host_address_is_valid(address) ? (Verdict){ CLAIMED_OTHER, address }
                                                      : (Verdict){ CLAIMED_NEEDS_FORCE, NULL };
        case '+':
                if (host_address_is_valid(address))
                        redis_agent_leave_set_of(a, address);
                break;
        default:
                log_replaced(a, reply);
        }
        return (Verdict){ CLAIMED_OURS, NULL };
}

/* -- A claim: of a call, or of what is in the table -- */

typedef struct Claim {
        RedisRequest request; /* first */
        GList link; /* of RedisRegistry.claims */
        RedisAgent *agent;
        RegistryCall *call; /* NULL: nobody waits, or not any more */
        bool is_write; /* of what is in the table: there never was a call */
        bool takeover;
        Way way;
} Claim;

static Claim *claim_new(RedisAgent *a)
{
        Claim *claim = g_new0(Claim, 1);

        claim->agent = a;
        claim->link.data = claim;
        g_queue_push_tail_link(&a->redis->claims, &claim->link);
        return claim;
}

static void claim_free(Claim *claim)
{
        g_queue_unlink(&claim->agent->redis->claims, &claim->link);
        g_free(claim);
}

void redis_claims_free(RedisRegistry *r)
{
        while (r->claims.head)
                claim_free(r->claims.head->data);
}

static void on_claimed(const redisReply *reply, const Fault *fault, void *userdata);

static int send_plain(Claim *claim, Fault *fault)
{
        RedisAgent *a = claim->agent;
        RedisRegistry *r = a->redis;
        const RedisWord words[] = {
                { "SET", 3 },
                redis_key(r, LOCATION_PREFIX, a->id),
                redis_word(r->registry.address),
                { "NX", 2 },
                { "GET", 3 },
                { "EX", 2 },
                redis_word(r->ttl),
        };

        return redis_client_send(r->client, words, ELEMENTSOF(words), on_claimed, claim, fault);
}

static int send_script(Claim *claim, Fault *fault)
{
        RedisAgent *a = claim->agent;
        RedisRegistry *r = a->redis;
        const RedisWord args[] = {
                redis_word(r->registry.address),
                redis_word(r->ttl),
                redis_word(r->prefix),
                redis_word(r->former_address),
                redis_word(claim->takeover ? "1" : "0"),
        };

        return redis_script_send(r->client, REDIS_SCRIPT_CLAIM, claim->way == WAY_WHOLE_SCRIPT,
                redis_key(r, LOCATION_PREFIX, a->id), args, ELEMENTSOF(args), on_claimed, claim, fault);
}

static int send_claim(Claim *claim, Fault *fault)
{
        RedisAgent *a = claim->agent;
        int r;

        if (a->redis->no_nx_get && claim->way == WAY_PLAIN)
                claim->way = WAY_SCRIPT;
        r = claim->way == WAY_PLAIN ? send_plain(claim, fault) : send_script(claim, fault);
        if (r < 0)
                return r;
        a->n_waiting++;
        a->n_writing++;
        return 0;
}

/* Whether it is still wanted: else what erases it has been sent behind. */
static bool is_wanted(const Claim *claim)
{
        return claim->is_write ? claim->agent->in_table : claim->call != NULL;
}

/* Returns whether it has been asked in another way. */
static bool claim_again(Claim *claim, Claimed claimed, Fault *fault)
{
        if (!is_wanted(claim))
                return false;

        switch (claimed) {
        case CLAIMED_NEEDS_SCRIPT:
                claim->way = WAY_SCRIPT;
                break;
        case CLAIMED_NEEDS_TEXT:
                claim->way = WAY_WHOLE_SCRIPT;
                break;
        case CLAIMED_NEEDS_FORCE:
                claim->takeover = true;
                break;
        default:
                return false;
        }
        return send_claim(claim, fault) >= 0;
}

/* What the answer means for the agent, and for who has asked. */
static int take_verdict(Claim *claim, const redisReply *reply, const Verdict *verdict, Fault *fault)
{
        RedisAgent *a = claim->agent;

        switch (verdict->claimed) {
        case CLAIMED_OURS:
                if (claim->call)
                        a->in_table = true;
                if (a->in_table)
                        redis_agent_is_ours(a, true);
                return 0;
        case CLAIMED_OTHER:
                if (a->in_table)
                        redis_agent_is_lost(a, verdict->other);
                return registry_fault_exists(fault, a->id, verdict->other);
        default:
                if (claim->is_write)
                        redis_note_refusal(a->redis, reply);
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
                Verdict verdict = claim->way == WAY_PLAIN ? judge_plain(a, claim->takeover, reply)
                                                          : judge_script(a, reply);

                if (claim_again(claim, verdict.claimed, &refusal))
                        return;
                if (refusal.kind == FAULT_NONE)
                        (void)take_verdict(claim, reply, &verdict, &refusal);
                if (refusal.kind != FAULT_NONE)
                        fault = &refusal;
        }
        claim_free(claim);
        redis_agent_settle(a);
        if (call)
                registry_call_finish(call, fault ? NULL : &(RegistryAnswer){ 0 }, fault);
}

static void cancel_claim(RegistryCall *call)
{
        Claim *claim = call->request;

        claim->call = NULL;
        if (!claim->agent->in_table)
                redis_agent_erase(claim->agent);
}

void redis_agent_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover)
{
        RedisAgent *a = redis_agent_get(redis_of(registry), id);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Claim *claim = claim_new(a);

        claim->request.cancel = cancel_claim;
        claim->call = call;
        claim->takeover = takeover;
        if (send_claim(claim, &fault) < 0) {
                claim_free(claim);
                redis_agent_settle(a);
                registry_call_finish(call, NULL, &fault);
                return;
        }
        call->request = claim;
}

void redis_agent_write(RedisAgent *a)
{
        Claim *claim;

        if (a->n_writing > 0)
                return;

        claim = claim_new(a);
        claim->is_write = true;
        if (send_claim(claim, NULL) >= 0)
                return;
        claim_free(claim);
        /* While the server is away nothing is to be remembered: after the connect all of the table is gone
         * through. */
        if (redis_client_is_ready(a->redis->client))
                redis_agent_mark_dirty(a);
}
