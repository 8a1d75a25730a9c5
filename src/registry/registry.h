/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where agents are: the registry, as the host sees it. Behind it is Redis, which all hosts share (redis.c),
 * or the host's own memory where none is configured (memory.c); registry-backend.h is what both implement.
 *
 * A registry speaks for one host. It has a table of the ids that are this host's: registry_claim() and
 * registry_put() enter one, registry_drop() takes it out. Whatever the table says the backend makes true and
 * keeps true by itself (heartbeats, what was lost, what a reconnect finds); the host never says a thing
 * twice. An id whose location is with another host stays in the table as lost until it is dropped.
 *
 * Nothing here blocks. Questions are answered through a callback, exactly once, from the loop or, where the
 * answer is known (memory, or a server that is known to be away), before the call returns. Handlers run from
 * the loop only, never inside a call. A registry must not be freed inside a callback or handler of its own.
 */

#include <systemd/sd-event.h>

#include "fault.h"

typedef struct Registry Registry;

/* The limits of the calls: an answer that has not come by then is a fault. A launch waits for its claim, a
 * placement for its turn, without which it goes on. */
#define REGISTRY_CALL_LIMIT_USEC (5 * USEC_PER_SEC)
#define REGISTRY_TURN_LIMIT_USEC USEC_PER_SEC
#define REGISTRY_CLAIM_LIMIT_USEC (2 * USEC_PER_SEC)
#define REGISTRY_FLUSH_LIMIT_USEC (2 * USEC_PER_SEC)

#define REGISTRY_HEARTBEAT_DEFAULT_USEC (20 * USEC_PER_SEC)
#define REGISTRY_TTL_DEFAULT_USEC (60 * USEC_PER_SEC)

/* What the configuration says. Texts may be NULL: not set. */
typedef struct RegistrySettings {
        char *url; /* NULL: in memory; may hold a password: not to be printed */
        char *password; /* never printed; wins over the file and the URL */
        char *password_file;
        char *ca_file;
        char *cert_file;
        char *key_file;
        uint64_t heartbeat_usec;
        uint64_t ttl_usec; /* whole seconds, more than heartbeat_usec */
} RegistrySettings;

void registry_settings_done(RegistrySettings *settings);
void registry_settings_copy(const RegistrySettings *settings, RegistrySettings *ret);
bool registry_settings_equal(const RegistrySettings *a, const RegistrySettings *b);

typedef enum RegistryState {
        REGISTRY_OK, /* connected, and what is there has been compared with the table */
        REGISTRY_STALE, /* not so, but what we wrote before still stands: less than a TTL has passed */
        REGISTRY_DOWN, /* away, and our entries have expired, or were never made */
        REGISTRY_OFF, /* there is none: in memory */
        _REGISTRY_STATE_MAX,
} RegistryState;

const char *registry_state_name(RegistryState state);

typedef enum LocationState {
        LOCATION_OFF, /* only this host knows: in memory */
        LOCATION_PENDING, /* to be written */
        LOCATION_REGISTERED,
        LOCATION_LOST, /* another host has the id */
        _LOCATION_STATE_MAX,
} LocationState;

const char *location_state_name(LocationState state);

/* Who has a lost id. The text is the handler's for its time. */
typedef struct RegistryConflict {
        const char *address;
        bool alive; /* that host says that it is there (host_status:{hostname}) */
} RegistryConflict;

/* What has happened, for the metrics. */
typedef enum RegistryEvent {
        REGISTRY_HEARTBEAT, /* all locations have been renewed, which took a while */
        REGISTRY_HEARTBEAT_FAILED, /* the server has refused something, or was away before the end */
        REGISTRY_HEARTBEAT_MISSED, /* it was time for one, and the server was away: it took none */
        REGISTRY_ERROR, /* the server could not be reached, has gone away, or has refused something */
} RegistryEvent;

/* An agent that is kept for the time after its host (registry_keep_spec()), and whose host is lost. Texts
 * are the handler's for its time. */
typedef struct RegistryOrphan {
        const char *id;
        const char *hostname; /* the lost one */
        const char *spec;
} RegistryOrphan;

typedef struct RegistryHandlers {
        /* The location of an id of the table is another one than registry_put(), or the last call of this,
         * has said. conflict: with LOCATION_LOST only. An id that is lost is told again when the other host
         * comes alive. The handler may drop the id. */
        void (*location_changed)(
                const char *id, LocationState state, const RegistryConflict *conflict, void *userdata);

        /* why: NULL with REGISTRY_OK and REGISTRY_OFF. The backend does not log it. */
        void (*state_changed)(RegistryState state, const Fault *why, void *userdata);

        /* usec: how long a heartbeat took, also one that failed. May be NULL. */
        void (*observed)(RegistryEvent event, uint64_t usec, void *userdata);

        /* A heartbeat has gone well: what else is to be asked as often can be asked now. In memory there are
         * none. May be NULL. */
        void (*renewed)(void *userdata);

        /* The spec of an id, as it is now: the registry's (g_free). NULL: there is none. The handler may be
         * NULL, too. */
        char *(*spec_wanted)(const char *id, void *userdata);

        /* This host is to place an agent again. It claims the id as for any other launch, and says what has
         * become of it with registry_orphan_done(), once, now or later; until then there comes no other. The
         * handler may be NULL: then it is always left to others. */
        void (*orphan_found)(const RegistryOrphan *orphan, void *userdata);
} RegistryHandlers;

/* What others may know of this host besides its agents (host_status:{hostname}). */
typedef struct RegistryHostInfo {
        unsigned capacity;
        bool draining;
        const char *life; /* another one after each boot: what ran before does not run any more. NULL: as
                             it was */
} RegistryHostInfo;

/* Memory if settings have no url. settings, address and former_address are copied. address: this host's
 * (host-address.h). former_address: where this host has been until now, NULL for none: what stands in the
 * registry with it is ours, as is everything with our own hostname. Faults: InvalidArgs for settings that
 * cannot be used (unusable.h is for these). That nobody answers at the address is none: that is a state. */
int registry_new(sd_event *event,
        const RegistrySettings *settings,
        const char *address,
        const char *former_address,
        const RegistryHandlers *handlers,
        void *userdata,
        Registry **ret,
        Fault *fault);

/* Everybody who waits is answered (with a fault). What the table says is left as it stands: keys expire, or
 * the next registry of this host finds them. */
Registry *registry_free(Registry *registry);
static inline void registry_freep(Registry **registry)
{
        registry_free(*registry);
}

RegistryState registry_state(const Registry *registry);
const char *registry_address(const Registry *registry);

/* Enters an agent that runs here, and returns what is known of its location: after a claim that went well
 * that is usually all that has to be done. An id without a claim is written only where no other host has it.
 * Repeats are fine. */
LocationState registry_put(Registry *registry, const char *id);

/* It is not ours any more: it has ended, or its launch came to nothing (which gives its claim back). What
 * stands of it as ours is removed at once, or after the reconnect; what is another host's is left alone. An
 * id that is not in the table is fine. */
void registry_drop(Registry *registry, const char *id);

/* An id that is in the table is one that others may place again when this host is lost: its spec is kept
 * where they find it, until it is dropped. Repeats are fine. */
void registry_keep_spec(Registry *registry, const char *id);

/* What has become of an orphan. One that could not be placed here is left to others. */
void registry_orphan_done(Registry *registry, const char *id, bool placed);

void registry_describe(Registry *registry, const RegistryHostInfo *info);

typedef struct RegistryLoad {
        const char *hostname;
        unsigned n_agents;

        /* With registry_agents() only. */
        unsigned capacity; /* 0: it has not said */
        bool draining;
} RegistryLoad;

/* What is answered; each question fills what is said at it. Texts are the callback's for its time. */
typedef struct RegistryAnswer {
        const char *address; /* find: NULL if it is nowhere */
        char *const *ids; /* members, cleanup; never NULL there */
        const RegistryLoad *load; /* load, agents */
        size_t n_load;
        uint64_t turn; /* turn */
        bool evicted; /* evict */
} RegistryAnswer;

/* Of answer and fault, one is NULL. The call is gone when it runs. */
typedef void (*RegistryDone)(const RegistryAnswer *answer, const Fault *fault, void *userdata);

/* A call lives until answered; freeing it means that its callback never comes. ret_call, in all below: where
 * the caller keeps the call, NULL again before the callback runs; what is answered before the call returns
 * leaves it alone, so that it must be NULL before. NULL: the registry keeps it. */
typedef struct RegistryCall RegistryCall;
RegistryCall *registry_call_free(RegistryCall *call);

/* Takes an id for this host before its agent is launched: nobody else can have it then. On success the id is
 * in the table; registry_put() or registry_drop() must follow. takeover: also from a host that has it now,
 * which is removed from there (and told, as of a conflict). Faults: AgentExists, which names the other host;
 * RegistryUnavailable: then nothing is claimed, and the launch may go on without. Freeing the call gives
 * back what may have been claimed, unless the id is put meanwhile. */
void registry_claim(Registry *registry,
        const char *id,
        bool takeover,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call);

/* Questions about all hosts. Fault: RegistryUnavailable, with its cause. */

/* answer->address: where the id is. */
void registry_find(
        Registry *registry, const char *id, RegistryDone done, void *userdata, RegistryCall **ret_call);

/* answer->load: all hosts that have agents, in no order. */
void registry_load(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call);

/* answer->load: of these hosts, those that have said how many agents they have (host_status:{hostname}),
 * with what else they have said there, in no order. They say it with each heartbeat, and soon after it has
 * changed. hostnames: only for the call. */
void registry_agents(Registry *registry,
        const char *const *hostnames,
        size_t n,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call);

/* Removes the location of an agent of another host, if that host is gone (it does not say any more that it
 * is there: host_status:{hostname}) and the agent still at that address. address NULL: of one that has none
 * any more, but waits to be placed again (registry_keep_spec()). Either is not placed again.
 * answer->evicted: the host is gone; with address NULL: it waited, and its host is gone. */
void registry_evict(Registry *registry,
        const char *id,
        const char *address,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call);

/* answer->ids: agents of a host, in no order; none for an unknown one. */
void registry_members(Registry *registry,
        const char *hostname,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call);

/* answer->ids: those that stood in a host's set without a location anywhere, now removed from it; each once,
 * in no order. What stands in the set of a host that it has left is removed too, and not told. */
void registry_cleanup(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call);

/* answer->turn: 1 and counting, over all hosts (placement:counter). */
void registry_turn(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call);
void registry_reset_turn(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call);

/* Answered when everything dropped, put and claimed before has been acknowledged by the server; at once with
 * a fault while it is away. For the end of the process. */
void registry_flush(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call);
