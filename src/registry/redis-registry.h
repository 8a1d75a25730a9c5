/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the Redis registry share (redis.h says which does what). Not for others. */

#include <glib.h>

#include "redis-client.h"
#include "redis-scripts.h"
#include "registry-backend.h"

#define LOCATION_PREFIX "agent_location:"
#define HOST_SET_PREFIX "host_agents:"
#define HOST_STATUS_PREFIX "host_status:"
#define TURN_KEY "placement:counter"
#define SPEC_PREFIX "agent_spec:"
#define CLEANUP_LEASE_KEY "agenthost:lease:cleanup"
#define LOST_LEASE_KEY "agenthost:lease:lost-hosts"

typedef struct RedisRegistry RedisRegistry;

/* An id, while it is in the table, something is on its way for it, or something is to be done about it. */
typedef struct RedisAgent {
        RedisRegistry *redis;
        char *id;
        GList link; /* of RedisRegistry.agents */
        GList dirty_link; /* of RedisRegistry.dirty */
        bool is_dirty; /* to be written, or erased if it is not in the table: what was sent came to nothing
                        */
        bool in_table; /* claimed or put, and not dropped */
        bool is_put;
        bool keeps_spec; /* its spec is kept for other hosts */
        bool spec_stands; /* something of that may have been written, which is to be erased */
        bool alive_told; /* that the host which has it is there */
        LocationState known; /* how it stands in Redis: registered, lost, or pending */
        LocationState told; /* to the host */
        char *other; /* of whom it is, when lost */
        unsigned n_writing; /* commands on their way that make it ours */
        unsigned n_waiting; /* commands on their way */
} RedisAgent;

typedef struct RedisRound {
        bool running;
        bool reconciles;
        GList *next; /* the agent whose turn it is; NULL: all have had it */
        unsigned n_barriers; /* left to pass, when all have had their turn */
        bool ending; /* all have: the barriers are being passed */
        bool set_done; /* our set has been compared, or is not to be */
        uint64_t begun_usec;
        unsigned n_gone; /* locations that were not there any more */
        bool renewal_refused; /* so what stands there expires */
        Fault refusal; /* the first thing that the server did not do */
} RedisRound;

typedef struct RedisCleanup RedisCleanup;
typedef struct RedisQuery RedisQuery;
typedef struct RedisLost RedisLost;
typedef struct RedisOrphans RedisOrphans;

struct RedisRegistry {
        Registry registry; /* first */
        RedisClient *client;
        char *former_address; /* "" for none */
        char *prefix; /* "hostname:" */
        char *set_key, *status_key; /* of this host */
        char ttl[16]; /* in seconds */
        uint64_t ttl_usec, heartbeat_usec;
        RegistryHostInfo info;
        char *life; /* "" while it is not known */

        GHashTable *by_id; /* id -> RedisAgent, owned */
        GQueue agents; /* the same */
        GQueue dirty;
        unsigned n_put;
        bool no_getex; /* an old server, or an ACL without it */
        bool no_nx_get; /* an old server: it takes NX and GET together only from 7.0 on */

        sd_event_source *timer; /* for what comes first of these (CLOCK_MONOTONIC) */
        uint64_t beat_usec, cleanup_usec, expiry_usec, status_usec;
        uint64_t status_sent_usec;
        bool status_stands; /* it has been written on this connection */
        uint64_t reconciled_usec; /* when that was begun last; 0: since the connect not yet */
        RedisRound round;

        sd_event_source *expire; /* tells, piece by piece, that nothing is registered any more */
        GList *expire_next;

        /* redis-lost.c: lost hosts */
        uint64_t trusted_usec; /* until then no host counts as lost */
        uint64_t stand_back_usec; /* until then others are to have the lease */
        bool lease_held, lease_asked;
        RedisLost *lost;
        RedisOrphans *orphans;

        GQueue flushes, claims, queries, cleanups; /* what waits for answers */
        GString *key; /* of what is being sent */
        char *away_told; /* the last cause that was told or logged */
};

static inline RedisRegistry *redis_of(Registry *registry)
{
        return (RedisRegistry *)registry;
}

static inline RedisWord redis_word(const char *text)
{
        return (RedisWord){ text, __builtin_strlen(text) };
}

/* A key, until the next one is made. */
RedisWord redis_key(RedisRegistry *r, const char *prefix, const char *name);
RedisWord redis_key_of(RedisRegistry *r, const char *prefix, RedisWord name);

/* An error to a write: it is told by the state, when the round is over. */
void redis_note_refusal(RedisRegistry *r, const redisReply *reply);

/* How many agents there are has changed: placement asks for it. Not more often than once in a while. */
void redis_status_soon(RedisRegistry *r);

/* For commands whose answer does not matter. */
void redis_ignore(const redisReply *reply, const Fault *fault, void *userdata);

/* A fault for an error of the server. */
int redis_reply_fault(const RedisRegistry *r, const redisReply *reply, Fault *fault);

/* Sends what waits to be sent, as far as there is room. To be called when something has been added. */
void redis_pump(RedisRegistry *r);

/* Whether a reply is a text that ends in NUL, and has no other; whether it is this one. */
bool redis_reply_is_text(const redisReply *reply);
bool redis_word_is(const redisReply *reply, const char *text);

/* Whether a reply is an address, whole and valid: then its text is one that ends in NUL. */
bool redis_reply_is_address(const redisReply *reply);

/* The hostname of a valid address: the caller's (g_free). */
char *redis_hostname_of(const char *address);

/* Whether a valid address is one of this host. */
bool redis_is_ours(const RedisRegistry *r, const char *address);

/* The first member of what call->request is: how a call that is given up is undone. */
typedef struct RedisRequest {
        void (*cancel)(RegistryCall *call);
} RedisRequest;

/* -- redis-agent.c -- */

LocationState redis_agent_put(Registry *registry, const char *id);
void redis_agent_drop(Registry *registry, const char *id);

/* The one of an id that is in the table, or NULL. */
RedisAgent *redis_agent_find(const RedisRegistry *r, const char *id);

/* The one of an id, made if there is none: to be settled if nothing comes of it. */
RedisAgent *redis_agent_get(RedisRegistry *r, const char *id);

/* Does what is to be done about a dirty one. */
void redis_agent_mend(RedisAgent *a);
void redis_agent_mark_dirty(RedisAgent *a);

/* Takes away what stands of it, as far as it is ours. */
void redis_agent_erase(RedisAgent *a);

/* Answers to a script that releases something of it: whether it has. If the server has lost the script, send
 * is to send it whole, where its next answer comes here too. */
bool redis_agent_has_released(
        RedisAgent *a, const redisReply *reply, const Fault *fault, bool (*send)(RedisAgent *a, bool whole));

/* It was another host's: takes it out of that one's set. */
void redis_agent_leave_set_of(RedisAgent *a, const char *address);

/* As the location says: it stands as ours, or as another host's. enter_set: our set may not have it. */
void redis_agent_is_ours(RedisAgent *a, bool enter_set);
void redis_agent_is_lost(RedisAgent *a, const char *address);

/* Erases what stands in our set and is not ours. */
void redis_erase_stranger(RedisRegistry *r, const char *id, size_t size);

/* Frees it if nothing needs it any more. */
void redis_agent_settle(RedisAgent *a);
void redis_agent_free(void *agent);

/* Nothing stands of it any more, as far as is known. */
void redis_agent_expired(RedisAgent *a);

/* -- redis-claim.c -- */

void redis_agent_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover);

/* Makes it ours if nobody else has it; for one that is in the table. */
void redis_agent_write(RedisAgent *a);

void redis_claims_free(RedisRegistry *r);

/* -- redis-round.c -- */

void redis_round_begin(RedisRegistry *r);
void redis_round_pump(RedisRegistry *r);
void redis_round_abort(RedisRegistry *r);
void redis_send_status(RedisRegistry *r);

/* Of redis.c: it is over, and all is well unless there is a refusal. */
void redis_round_over(RedisRegistry *r);

/* -- redis-flush.c -- */

void redis_flush(Registry *registry, RegistryCall *call);

/* Goes on with those that wait for what is to be sent. */
void redis_flushes_pump(RedisRegistry *r);
void redis_flushes_fail(RedisRegistry *r, const Fault *why);

/* -- redis-query.c -- */

void redis_query_find(Registry *registry, RegistryCall *call, const char *id);
void redis_query_load(Registry *registry, RegistryCall *call);
void redis_query_agents(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n);
void redis_query_members(Registry *registry, RegistryCall *call, const char *hostname);
void redis_query_turn(Registry *registry, RegistryCall *call);
void redis_query_reset_turn(Registry *registry, RegistryCall *call);
void redis_query_free(RedisQuery *query);

/* -- redis-evict.c -- */

void redis_evict(Registry *registry, RegistryCall *call, const char *id, const char *address);

/* -- redis-hosts.c -- */

/* Finds the hosts that have a set: their names, each once, or a fault. done is called from the loop, once,
 * and may free it; freeing it before means that it never is. Fault: nothing could be asked. */
typedef struct RedisHosts RedisHosts;
typedef void (*RedisHostsFound)(GPtrArray *hosts, const Fault *fault, void *userdata);
int redis_hosts_find(RedisRegistry *r, RedisHostsFound done, void *userdata, RedisHosts **ret, Fault *fault);
RedisHosts *redis_hosts_free(RedisHosts *hosts);

/* -- redis-cleanup.c -- */

void redis_cleanup_call(Registry *registry, RegistryCall *call);

/* The one that some host of all does once in a while: if it is our turn. */
void redis_cleanup_by_lease(RedisRegistry *r);
void redis_cleanup_free(RedisCleanup *cleanup);

/* -- redis-spec.c -- */

void redis_spec_keep(Registry *registry, const char *id);

/* Looks whether what stands there is ours, and writes it, or erases what a former agent has left; for one
 * whose location is ours. */
void redis_spec_compare(RedisAgent *a);

/* Returns false if it could not be sent. */
bool redis_spec_erase(RedisAgent *a);

/* Erases a spec if it is of this host and life ("": any). As redis_script_send(). */
int redis_spec_release(RedisRegistry *r,
        RedisWord id,
        const char *hostname,
        const char *life,
        bool whole,
        RedisReplied replied,
        void *userdata,
        Fault *fault);

/* -- redis-lease.c -- */

/* With each heartbeat: looks for lost hosts, if it is this host that does. */
void redis_lease_beat(RedisRegistry *r);
void redis_lease_give_up(RedisRegistry *r);
void redis_lease_stand_back(RedisRegistry *r);
void redis_lease_away(RedisRegistry *r);

/* -- redis-lost.c -- */

RedisLost *redis_lost_new(RedisRegistry *r);
RedisLost *redis_lost_free(RedisLost *lost);

/* A check, unless one is under way. */
void redis_lost_look(RedisRegistry *r);

/* What has been seen does not count any more. */
void redis_lost_forget(RedisRegistry *r);

/* What stands in the server says nothing about hosts, for a while. */
void redis_lost_distrust(RedisRegistry *r);

/* -- redis-orphan.c -- */

RedisOrphans *redis_orphans_new(RedisRegistry *r);
RedisOrphans *redis_orphans_free(RedisOrphans *orphans);
void redis_orphans_clear(RedisOrphans *orphans);
void redis_orphans_add(RedisOrphans *orphans, const char *id, const char *hostname, const char *life);
bool redis_orphans_are_waiting(const RedisOrphans *orphans);

/* Tells the host of the next one, unless it is at one. */
void redis_orphans_go_on(RedisOrphans *orphans);
void redis_orphan_done(Registry *registry, const char *id, bool placed);
