/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis.h"

#include <string.h>

#include "host-address.h"
#include "log.h"
#include "redis-error.h"
#include "redis-registry.h"
#include "time-util.h"

/* Telling the host that nothing is registered any more: so many in a turn of the loop. */
#define EXPIRED_IN_A_TURN 100u

/* How often others are told how many agents there are, at most. */
#define STATUS_USEC USEC_PER_SEC

/* Heartbeats may be that much early or late: the hosts of a fleet are to be spread. */
#define JITTER_PERCENT 10u

#define TIMER_ACCURACY_USEC (50 * USEC_PER_MSEC)

/* -- For the other files -- */

RedisWord redis_key_of(RedisRegistry *r, const char *prefix, RedisWord name)
{
        g_string_assign(r->key, prefix);
        g_string_append_len(r->key, name.data, (gssize)name.size);
        return (RedisWord){ r->key->str, r->key->len };
}

RedisWord redis_key(RedisRegistry *r, const char *prefix, const char *name)
{
        return redis_key_of(r, prefix, redis_word(name));
}

int redis_reply_fault(const RedisRegistry *r, const redisReply *reply, Fault *fault)
{
        g_autofree char *text = reply->type == REDIS_REPLY_ERROR
                ? redis_error_text(reply)
                : g_strdup("it answers something else than what was asked");

        return fault_set(
                fault, FAULT_REGISTRY_UNAVAILABLE, "Redis at %s: %s", redis_client_shown(r->client), text);
}

void redis_note_refusal(RedisRegistry *r, const redisReply *reply)
{
        (void)redis_reply_fault(r, reply, &r->round.refusal);
}

void redis_ignore(const redisReply *reply, const Fault *fault, void *userdata)
{
        (void)reply;
        (void)fault;
        (void)userdata;
}

bool redis_reply_is_text(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == reply->len;
}

bool redis_word_is(const redisReply *reply, const char *text)
{
        return redis_reply_is_text(reply) && strcmp(reply->str, text) == 0;
}

bool redis_reply_is_address(const redisReply *reply)
{
        return redis_reply_is_text(reply) && host_address_is_valid(reply->str);
}

char *redis_hostname_of(const char *address)
{
        return g_strndup(address, host_address_hostname_length(address));
}

bool redis_is_ours(const RedisRegistry *r, const char *address)
{
        return host_address_is_same_host(address, r->registry.address) ||
                strcmp(address, r->former_address) == 0;
}

void redis_pump(RedisRegistry *r)
{
        if (!redis_client_is_ready(r->client))
                return;

        while (r->dirty.head && redis_client_has_room(r->client))
                redis_agent_mend(r->dirty.head->data);
        redis_round_pump(r);
        redis_flushes_pump(r);
}

/* -- Time -- */

static void set_timer(RedisRegistry *r)
{
        uint64_t next = MIN(MIN(r->beat_usec, r->cleanup_usec), MIN(r->expiry_usec, r->status_usec));
        int enabled = next == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT;

        if (sd_event_source_set_time(r->timer, next) < 0 ||
                sd_event_source_set_enabled(r->timer, enabled) < 0)
                g_error("Cannot arm a timer");
}

void redis_status_soon(RedisRegistry *r)
{
        if (r->status_usec != USEC_INFINITY || !redis_client_is_ready(r->client))
                return;
        r->status_usec = r->status_sent_usec + STATUS_USEC;
        set_timer(r);
}

/* Between 90 and 110 % of it. */
static uint64_t with_jitter(uint64_t usec)
{
        uint64_t span = usec / 100 * JITTER_PERCENT;

        return usec - span + 2 * span * g_random_int() / UINT32_MAX;
}

/* All hosts of a fleet ask for the lease, spread over half of the time for which it is given. */
static uint64_t until_cleanup(const RedisRegistry *r)
{
        return r->ttl_usec + r->ttl_usec / 2 * g_random_int() / UINT32_MAX;
}

static int on_expire(sd_event_source *s, void *userdata)
{
        RedisRegistry *r = userdata;

        for (unsigned n = 0; n < EXPIRED_IN_A_TURN && r->expire_next; n++) {
                RedisAgent *a = r->expire_next->data;

                r->expire_next = r->expire_next->next;
                redis_agent_expired(a);
        }
        if (!r->expire_next)
                (void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return 0;
}

/* What we wrote has expired. */
static void expire(RedisRegistry *r)
{
        _cleanup_fault_ Fault why = FAULT_INIT;

        r->expiry_usec = USEC_INFINITY;
        fault_set(&why, FAULT_REGISTRY_UNAVAILABLE, "%s",
                r->away_told ? r->away_told : "Redis is too slow: our entries have expired meanwhile");
        r->expire_next = r->agents.head;
        if (sd_event_source_set_enabled(r->expire, SD_EVENT_ON) < 0)
                g_error("Cannot go on from the loop");
        registry_set_state(&r->registry, REGISTRY_DOWN, &why);
}

static void beat(RedisRegistry *r, uint64_t now)
{
        r->beat_usec = now + with_jitter(r->heartbeat_usec);
        if (!redis_client_is_ready(r->client)) {
                registry_observe(&r->registry, REGISTRY_HEARTBEAT_MISSED, 0);
                return;
        }
        redis_round_begin(r);
        redis_lease_beat(r);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        RedisRegistry *r = userdata;
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        (void)s;
        (void)usec;

        if (now >= r->beat_usec)
                beat(r, now);
        if (now >= r->cleanup_usec) {
                r->cleanup_usec = now + until_cleanup(r);
                redis_cleanup_by_lease(r);
        }
        if (now >= r->expiry_usec)
                expire(r);
        if (now >= r->status_usec)
                redis_send_status(r);
        set_timer(r);
        return 0;
}

/* -- The connection, and what it means -- */

/* A cause that is no change of state is said in the log, once. */
static void tell_away(RedisRegistry *r, RegistryState state, const Fault *why)
{
        bool is_news = g_strcmp0(r->away_told, fault_text(why)) != 0;

        if (is_news) {
                g_free(r->away_told);
                r->away_told = g_strdup(fault_text(why));
        }
        if (state != r->registry.state)
                registry_set_state(&r->registry, state, why);
        else if (is_news)
                log_warning("%s", fault_text(why));
}

/* Of a round that is over, or broken off. */
static void observe_round(RedisRegistry *r, bool is_well)
{
        if (r->round.running)
                registry_observe(&r->registry, is_well ? REGISTRY_HEARTBEAT : REGISTRY_HEARTBEAT_FAILED,
                        now_usec(CLOCK_MONOTONIC) - r->round.begun_usec);
        if (!is_well)
                registry_observe(&r->registry, REGISTRY_ERROR, 0);
}

void redis_round_over(RedisRegistry *r)
{
        _cleanup_fault_ Fault refusal = fault_steal(&r->round.refusal);
        unsigned n_gone = r->round.n_gone;

        observe_round(r, refusal.kind == FAULT_NONE);
        if (!r->round.renewal_refused)
                r->expiry_usec = r->round.begun_usec + r->ttl_usec;
        redis_round_abort(r);
        set_timer(r);

        if (n_gone > 0)
                log_warning(
                        "Locations of agents were gone from Redis and have been written again: %u", n_gone);
        /* Others may be refused too: that they have vanished says nothing then. */
        if (refusal.kind != FAULT_NONE)
                redis_lost_distrust(r);
        if (refusal.kind != FAULT_NONE)
                tell_away(r, r->registry.state == REGISTRY_DOWN ? REGISTRY_DOWN : REGISTRY_STALE, &refusal);
        else {
                g_clear_pointer(&r->away_told, g_free);
                registry_set_state(&r->registry, REGISTRY_OK, NULL);
                registry_tell_renewed(&r->registry);
        }
        redis_pump(r);
}

static void on_ready(const RedisServer *server, void *userdata)
{
        RedisRegistry *r = userdata;
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        log_info("Connected to Redis at %s (%s%s%s)", redis_client_shown(r->client), server->product,
                server->version[0] ? " " : "", server->version);
        if (server->eviction[0])
                log_warning(
                        "Redis at %s may drop what it is told when it is full (maxmemory-policy %s): "
                        "locations of agents may be missing until the next heartbeat; set it to noeviction",
                        redis_client_shown(r->client), server->eviction);

        r->no_getex = r->no_nx_get = false;
        r->reconciled_usec = 0;
        r->expire_next = NULL;
        (void)sd_event_source_set_enabled(r->expire, SD_EVENT_OFF);
        r->beat_usec = now + with_jitter(r->heartbeat_usec);
        r->cleanup_usec = now + until_cleanup(r);
        set_timer(r);

        redis_lost_distrust(r);
        redis_scripts_load(r->client);
        redis_round_begin(r);
        redis_pump(r);
}

static void on_away(const Fault *why, void *userdata)
{
        RedisRegistry *r = userdata;
        RegistryState state = r->registry.state == REGISTRY_DOWN ? REGISTRY_DOWN : REGISTRY_STALE;

        observe_round(r, false);
        redis_round_abort(r);
        redis_lease_away(r);
        r->status_stands = false;
        redis_flushes_fail(r, why);
        r->cleanup_usec = r->status_usec = USEC_INFINITY;
        set_timer(r);
        tell_away(r, state, why);
}

static void on_drained(void *userdata)
{
        redis_pump(userdata);
}

/* -- The backend -- */

static void redis_describe(Registry *registry, const RegistryHostInfo *info)
{
        RedisRegistry *r = redis_of(registry);

        r->info = *info;
        r->info.life = NULL;
        if (info->life) {
                g_free(r->life);
                r->life = g_strdup(info->life);
        }
        if (redis_client_is_ready(r->client))
                redis_send_status(r);
}

static void redis_cancelled(Registry *registry, RegistryCall *call)
{
        const RedisRequest *request = call->request;

        (void)registry;

        request->cancel(call);
}

static void redis_free(Registry *registry);

static const RegistryOps ops = {
        .free = redis_free,
        .put = redis_agent_put,
        .drop = redis_agent_drop,
        .describe = redis_describe,
        .keep_spec = redis_spec_keep,
        .orphan_done = redis_orphan_done,
        .claim = redis_agent_claim,
        .find = redis_query_find,
        .load = redis_query_load,
        .agents = redis_query_agents,
        .evict = redis_evict,
        .members = redis_query_members,
        .cleanup = redis_cleanup_call,
        .turn = redis_query_turn,
        .reset_turn = redis_query_reset_turn,
        .flush = redis_flush,
        .cancelled = redis_cancelled,
};

static void redis_free(Registry *registry)
{
        RedisRegistry *r = redis_of(registry);

        while (r->cleanups.head)
                redis_cleanup_free(r->cleanups.head->data);
        redis_claims_free(r);
        redis_round_abort(r);
        r->client = redis_client_free(r->client);
        redis_lost_free(r->lost);
        redis_orphans_free(r->orphans);
        sd_event_source_disable_unref(r->timer);
        sd_event_source_disable_unref(r->expire);
        g_hash_table_unref(r->by_id);
        g_string_free(r->key, TRUE);
        g_free(r->away_told);
        g_free(r->former_address);
        g_free(r->prefix);
        g_free(r->set_key);
        g_free(r->status_key);
        g_free(r->life);
        registry_done(&r->registry);
        g_free(r);
}

void registry_redis_beat(Registry *registry)
{
        redis_round_begin(redis_of(registry));
}

static void init_texts(RedisRegistry *r, const RegistrySettings *settings, const char *former_address)
{
        const char *hostname = r->registry.hostname;

        r->former_address = g_strdup(former_address ? former_address : "");
        r->prefix = g_strconcat(hostname, ":", NULL);
        r->life = g_strdup("");
        r->set_key = g_strconcat(HOST_SET_PREFIX, hostname, NULL);
        r->status_key = g_strconcat(HOST_STATUS_PREFIX, hostname, NULL);
        r->ttl_usec = MAX(settings->ttl_usec, USEC_PER_SEC);
        r->heartbeat_usec = settings->heartbeat_usec;
        (void)snprintf(r->ttl, sizeof(r->ttl), "%" G_GUINT64_FORMAT, (guint64)(r->ttl_usec / USEC_PER_SEC));
}

static void init_events(RedisRegistry *r, sd_event *event)
{
        r->beat_usec = now_usec(CLOCK_MONOTONIC) + with_jitter(r->heartbeat_usec);
        r->cleanup_usec = r->expiry_usec = r->status_usec = USEC_INFINITY;
        if (sd_event_add_time(event, &r->timer, CLOCK_MONOTONIC, USEC_INFINITY, TIMER_ACCURACY_USEC,
                    on_timer, r) < 0 ||
                sd_event_add_defer(event, &r->expire, on_expire, r) < 0 ||
                sd_event_source_set_enabled(r->expire, SD_EVENT_OFF) < 0)
                g_error("Cannot arm a timer");
        set_timer(r);
}

static int connect_client(RedisRegistry *r, const RegistrySettings *settings, RedisUrl *url, Fault *fault)
{
        static const RedisClientHandlers handlers = {
                .ready = on_ready,
                .away = on_away,
                .drained = on_drained,
        };
        g_autofree char *name = g_strconcat("agenthost:", r->registry.hostname, NULL);
        const RedisClientSettings client_settings = {
                .url = url,
                .client_name = name,
                .password = settings->password,
                .password_file = settings->password_file,
                .tls = { settings->ca_file, settings->cert_file, settings->key_file },
        };

        return redis_client_new(r->registry.event, &client_settings, &handlers, r, &r->client, fault);
}

int registry_redis_new(sd_event *event,
        const RegistrySettings *settings,
        const char *address,
        const char *former_address,
        const RegistryHandlers *handlers,
        void *userdata,
        Registry **ret,
        Fault *fault)
{
        RedisRegistry *r;
        RedisUrl *url;
        int error;

        error = redis_url_parse(settings->url, &url, fault);
        if (error < 0)
                return error;

        r = g_new0(RedisRegistry, 1);
        registry_init(&r->registry, &ops, event, address, handlers, userdata);
        r->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, redis_agent_free);
        r->key = g_string_new(NULL);
        init_texts(r, settings, former_address);
        init_events(r, event);
        r->lost = redis_lost_new(r);
        r->orphans = redis_orphans_new(r);

        error = connect_client(r, settings, url, fault);
        if (error < 0) {
                redis_free(&r->registry);
                return error;
        }
        *ret = &r->registry;
        return 0;
}
