/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-client.h"

#include <glib.h>
#include <string.h>

#include "redis-backoff.h"
#include "redis-connect.h"
#include "redis-error.h"
#include "time-util.h"

#define ATTEMPT_LIMIT_USEC (5 * USEC_PER_SEC)

/* Less than what callers wait (registry.h): they are to be told that the server hangs. */
#define COMMAND_LIMIT_USEC (4 * USEC_PER_SEC)

#define IDLE_USEC (30 * USEC_PER_SEC)

/* Limits are for servers that hang: later by that much is fine, and shares a wake-up. */
#define ACCURACY_USEC (50 * USEC_PER_MSEC)

typedef struct Call {
        RedisReplied replied; /* NULL: nobody waits */
        void *userdata;
        uint64_t sent_usec;
} Call;

struct RedisClient {
        sd_event *event;
        RedisUrl *url;
        char *name, *password, *password_file, *ca_file, *cert_file, *key_file;
        uint64_t attempt_limit_usec, command_limit_usec, idle_usec, backoff_last_usec;
        RedisClientHandlers handlers;
        void *userdata;

        RedisConnect *connect; /* the attempt that goes on */
        RedisStream *stream; /* NULL: not ready */
        Fault why; /* what ended the last connection or attempt */
        unsigned n_failed; /* attempts in a row */
        uint64_t retry_usec; /* when the next one begins */
        uint64_t heard_usec; /* when something was last sent or received */
        uint64_t ready_since_usec;

        sd_event_source *timer;
        uint64_t timer_usec; /* when it rings */

        Call calls[REDIS_CALLS_MAX]; /* a ring, in the order of their answers */
        unsigned first_call, n_calls;
};

static void attempt(RedisClient *c);
static void failed(RedisClient *c, bool lasting, const Fault *cause);

bool redis_client_is_ready(const RedisClient *c)
{
        return c->stream;
}

const Fault *redis_client_why(const RedisClient *c)
{
        return &c->why;
}

const char *redis_client_shown(const RedisClient *c)
{
        return c->url->shown;
}

bool redis_client_has_room(const RedisClient *c)
{
        return c->stream && c->n_calls < REDIS_BULK_CALLS_MAX;
}

/* -- Time -- */

/* An attempt has limits of its own. */
static uint64_t next_deadline(const RedisClient *c)
{
        if (c->connect)
                return USEC_INFINITY;
        if (!c->stream)
                return c->retry_usec;
        return c->n_calls > 0 ? usec_add(c->calls[c->first_call].sent_usec, c->command_limit_usec)
                              : usec_add(c->heard_usec, c->idle_usec);
}

static void set_timer(RedisClient *c)
{
        c->timer_usec = next_deadline(c);
        if (sd_event_source_set_time(c->timer, c->timer_usec) < 0 ||
                sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0)
                g_error("Cannot arm a timer");
}

static void fail_with(RedisClient *c, const char *text)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;

        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "%s", text);
        failed(c, false, &cause);
}

static void on_pong(const redisReply *reply, const Fault *fault, void *userdata)
{
        (void)reply;
        (void)fault;
        (void)userdata;
}

static void on_deadline(RedisClient *c)
{
        static const RedisWord ping = { "PING", 4 };
        g_autofree char *text = NULL;
        char span[FORMAT_USEC_MAX];

        if (!c->stream)
                attempt(c);
        else if (c->n_calls == 0)
                (void)redis_client_send(c, &ping, 1, on_pong, NULL, NULL);
        else {
                text = g_strdup_printf("it has not answered for %s; it hangs, or the network does",
                        format_usec(span, sizeof(span), c->command_limit_usec));
                fail_with(c, text);
        }
}

/* It may ring early: the command that it was set for has been answered. */
static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        RedisClient *c = userdata;

        (void)s;
        (void)usec;

        if (now_usec(CLOCK_MONOTONIC) >= next_deadline(c))
                on_deadline(c);
        set_timer(c);
        return 0;
}

/* -- Calls -- */

static void push_call(RedisClient *c, RedisReplied replied, void *userdata)
{
        Call *call = &c->calls[(c->first_call + c->n_calls) % REDIS_CALLS_MAX];

        *call = (Call){ .replied = replied, .userdata = userdata, .sent_usec = now_usec(CLOCK_MONOTONIC) };
        c->heard_usec = call->sent_usec;
        /* All others end later than the first. */
        if (c->n_calls++ == 0 && usec_add(call->sent_usec, c->command_limit_usec) < c->timer_usec)
                set_timer(c);
}

static Call pop_call(RedisClient *c)
{
        Call call = c->calls[c->first_call];

        c->first_call = (c->first_call + 1) % REDIS_CALLS_MAX;
        c->n_calls--;
        return call;
}

int redis_client_send(RedisClient *c,
        const RedisWord *words,
        size_t n_words,
        RedisReplied replied,
        void *userdata,
        Fault *fault)
{
        if (!c->stream)
                return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "%s", fault_text(&c->why));
        if (c->n_calls == REDIS_CALLS_MAX)
                return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                        "Redis at %s has not answered %u questions yet; ask again in a moment",
                        c->url->shown, c->n_calls);

        push_call(c, replied, userdata);
        redis_stream_send(c->stream, words, n_words);
        return 0;
}

void redis_client_forget(RedisClient *c, const void *userdata)
{
        for (unsigned i = 0; i < c->n_calls; i++) {
                Call *call = &c->calls[(c->first_call + i) % REDIS_CALLS_MAX];

                if (call->userdata == userdata)
                        call->replied = NULL;
        }
}

/* -- Ends and beginnings -- */

/* Nobody can send any more: answers come to an end. */
static void answer_all(RedisClient *c)
{
        while (c->n_calls > 0) {
                Call call = pop_call(c);

                if (call.replied)
                        call.replied(NULL, &c->why, call.userdata);
        }
}

/* The attempt or the connection is over. */
static void failed(RedisClient *c, bool lasting, const Fault *cause)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        bool held = c->stream && now - c->ready_since_usec >= REDIS_BACKOFF_RESET_USEC;

        fault_done(&c->why);
        fault_set(&c->why, FAULT_REGISTRY_UNAVAILABLE, "Redis at %s: %s", c->url->shown, fault_text(cause));
        c->connect = redis_connect_free(c->connect);
        c->stream = redis_stream_free(c->stream);
        c->n_failed = held ? 1 : c->n_failed + 1;
        c->retry_usec = usec_add(
                now, redis_backoff_usec(c->n_failed, lasting, c->backoff_last_usec, g_random_int()));
        set_timer(c);
        answer_all(c);
        c->handlers.away(&c->why, c->userdata);
}

static void fail_with_reply(RedisClient *c, const redisReply *reply)
{
        g_autofree char *text = redis_error_text(reply);
        _cleanup_fault_ Fault cause = FAULT_INIT;

        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "%s", text);
        failed(c, redis_error_is_lasting(reply), &cause);
}

static void on_opened(void *userdata)
{
        (void)userdata;
}

static void on_replied(const redisReply *reply, void *userdata)
{
        RedisClient *c = userdata;
        Call call;

        if (c->n_calls == 0) {
                if (reply->type == REDIS_REPLY_ERROR)
                        fail_with_reply(c, reply);
                else
                        fail_with(c, "it sends answers that nobody has asked for; is it a Redis server?");
                return;
        }

        call = pop_call(c);
        if (call.replied)
                call.replied(reply, NULL, call.userdata);
        if (c->stream && redis_error_kind(reply) == REDIS_ERROR_AWAY)
                fail_with_reply(c, reply);
}

static void on_drained(void *userdata)
{
        RedisClient *c = userdata;

        c->heard_usec = now_usec(CLOCK_MONOTONIC);
        c->handlers.drained(c->userdata);
}

static void on_closed(const Fault *why, void *userdata)
{
        failed(userdata, false, why);
}

static void on_connected(
        RedisStream *stream, const RedisServer *server, bool lasting, const Fault *cause, void *userdata)
{
        static const RedisStreamHandlers stream_handlers = {
                .opened = on_opened,
                .replied = on_replied,
                .drained = on_drained,
                .closed = on_closed,
        };
        RedisClient *c = userdata;

        if (!stream) {
                failed(c, lasting, cause);
                return;
        }

        c->connect = redis_connect_free(c->connect);
        c->stream = stream;
        redis_stream_set_handlers(stream, &stream_handlers, c);
        fault_done(&c->why);
        c->ready_since_usec = c->heard_usec = now_usec(CLOCK_MONOTONIC);
        set_timer(c);
        c->handlers.ready(server, c->userdata);
}

static void attempt(RedisClient *c)
{
        const RedisConnectSettings settings = {
                .url = c->url,
                .client_name = c->name,
                .password = c->password,
                .password_file = c->password_file,
                .tls = { c->ca_file, c->cert_file, c->key_file },
                .limit_usec = c->attempt_limit_usec,
        };

        c->connect = redis_connect_new(c->event, &settings, on_connected, c);
}

/* -- Life -- */

static int check_settings(const RedisClientSettings *s, Fault *fault)
{
        if (!s->tls.cert_file != !s->tls.key_file)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "RedisCertFile= and RedisKeyFile= belong together; set both, or none");
        return 0;
}

static uint64_t or_default(uint64_t usec, uint64_t preset)
{
        return usec > 0 ? usec : preset;
}

int redis_client_new(sd_event *event,
        const RedisClientSettings *s,
        const RedisClientHandlers *handlers,
        void *userdata,
        RedisClient **ret,
        Fault *fault)
{
        RedisClient *c;
        int r;

        r = check_settings(s, fault);
        if (r < 0) {
                redis_url_free(s->url);
                return r;
        }

        c = g_new0(RedisClient, 1);
        *c = (RedisClient){
                .event = sd_event_ref(event),
                .url = s->url,
                .name = g_strdup(s->client_name),
                .password = g_strdup(s->password),
                .password_file = g_strdup(s->password_file),
                .ca_file = g_strdup(s->tls.ca_file),
                .cert_file = g_strdup(s->tls.cert_file),
                .key_file = g_strdup(s->tls.key_file),
                .attempt_limit_usec = or_default(s->attempt_limit_usec, ATTEMPT_LIMIT_USEC),
                .command_limit_usec = or_default(s->command_limit_usec, COMMAND_LIMIT_USEC),
                .idle_usec = or_default(s->idle_usec, IDLE_USEC),
                .backoff_last_usec = or_default(s->backoff_last_usec, REDIS_BACKOFF_LAST_USEC),
                .handlers = *handlers,
                .userdata = userdata,
        };
        fault_set(&c->why, FAULT_REGISTRY_UNAVAILABLE, "Redis at %s: not connected yet", c->url->shown);

        /* At once, but from the loop. */
        c->retry_usec = c->timer_usec = now_usec(CLOCK_MONOTONIC);
        if (sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, c->timer_usec, ACCURACY_USEC, on_timer, c) <
                0)
                g_error("Cannot arm a timer");
        *ret = c;
        return 0;
}

RedisClient *redis_client_free(RedisClient *c)
{
        if (!c)
                return NULL;

        redis_connect_free(c->connect);
        redis_stream_free(c->stream);
        sd_event_source_disable_unref(c->timer);
        fault_done(&c->why);
        redis_url_free(c->url);
        redis_secret_free(c->password);
        g_free(c->name);
        g_free(c->password_file);
        g_free(c->ca_file);
        g_free(c->cert_file);
        g_free(c->key_file);
        sd_event_unref(c->event);
        g_free(c);
        return NULL;
}
