/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-connect.h"

#include <glib.h>
#include <string.h>
#include <sys/un.h>

#include "redis-error.h"
#include "redis-resolve.h"
#include "redis-secret.h"
#include "time-util.h"

struct RedisConnect {
        sd_event *event;
        RedisConnectSettings settings;
        RedisConnected done;
        void *userdata;

        char *secret;
        RedisResolve *resolve;
        struct addrinfo *addresses, *next_address;
        RedisStream *stream;
        RedisHello hello;
        bool greeting;

        sd_event_source *timer; /* of the step that goes on, or of an end that is to be told */
        uint64_t deadline_usec; /* of all */
        Fault cause; /* that is to be told */
};

RedisConnect *redis_connect_free(RedisConnect *c)
{
        if (!c)
                return NULL;

        sd_event_source_disable_unref(c->timer);
        redis_resolve_free(c->resolve);
        redis_stream_free(c->stream);
        if (c->addresses)
                freeaddrinfo(c->addresses);
        redis_hello_done(&c->hello);
        redis_secret_free(c->secret);
        fault_done(&c->cause);
        sd_event_unref(c->event);
        g_free(c);
        return NULL;
}

static void set_deadline(RedisConnect *c, uint64_t usec)
{
        if (sd_event_source_set_time(c->timer, usec) < 0 ||
                sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0)
                g_error("Cannot arm a timer");
}

/* The last thing that is done in a turn: the handler may free us. */
static void finish(RedisConnect *c, const RedisServer *server, bool lasting, const Fault *cause)
{
        (void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        c->resolve = redis_resolve_free(c->resolve);
        if (!server)
                c->stream = redis_stream_free(c->stream);
        c->done(steal_ptr(c->stream), server, lasting, cause, c->userdata);
}

static void fail_with(RedisConnect *c, const char *format, ...) _printf_(2, 3);
static void fail_with(RedisConnect *c, const char *format, ...)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "%s", text);
        finish(c, NULL, false, &cause);
}

/* -- The greeting -- */

static void on_opened(void *userdata)
{
        RedisWord words[REDIS_HELLO_WORDS_MAX];
        RedisConnect *c = userdata;

        c->greeting = true;
        set_deadline(c, c->deadline_usec);
        redis_hello_init(&c->hello, c->settings.url, c->secret, c->settings.client_name);
        for (RedisHelloStep step = 0; step < _REDIS_HELLO_STEP_MAX; step++) {
                size_t n = redis_hello_words(&c->hello, step, words);

                if (n > 0)
                        redis_stream_send(c->stream, words, n);
        }
}

static void on_replied(const redisReply *reply, void *userdata)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;
        RedisConnect *c = userdata;
        RedisServer server;
        bool lasting;

        if (!redis_hello_take(&c->hello, reply))
                return;
        if (redis_hello_judge(&c->hello, &server, &lasting, &cause) < 0)
                finish(c, NULL, lasting, &cause);
        else
                finish(c, &server, false, NULL);
}

static void on_drained(void *userdata)
{
        (void)userdata;
}

static void connect_next(RedisConnect *c, const Fault *last_cause);

/* A server that has refused us before it closed or fell silent has said why. */
static void finish_greeting(RedisConnect *c, const Fault *why)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;

        if (!c->hello.refusal) {
                finish(c, NULL, false, why);
                return;
        }
        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "%s", c->hello.refusal);
        finish(c, NULL, c->hello.lasting, &cause);
}

static void on_closed(const Fault *why, void *userdata)
{
        RedisConnect *c = userdata;

        if (c->greeting)
                finish_greeting(c, why);
        else
                connect_next(c, why);
}

/* -- The connection -- */

static int connect_to(RedisConnect *c, const struct sockaddr *address, socklen_t size, Fault *fault)
{
        static const RedisStreamHandlers handlers = {
                .opened = on_opened,
                .replied = on_replied,
                .drained = on_drained,
                .closed = on_closed,
        };
        const RedisUrl *url = c->settings.url;

        c->stream = redis_stream_free(c->stream);
        return redis_stream_new(c->event, address, size,
                url->transport == REDIS_TRANSPORT_TLS ? &c->settings.tls : NULL, url->host, &handlers, c,
                &c->stream, fault);
}

/* Each address has its share of the time, so that one that leads nowhere does not use it up. */
static uint64_t share_of_time(const RedisConnect *c)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), left, n = 0;

        left = c->deadline_usec > now ? c->deadline_usec - now : 0;
        for (const struct addrinfo *a = c->next_address; a; a = a->ai_next)
                n++;
        return now + left / MAX(n, 1);
}

/* Tries the addresses one after the other; the cause of the last one is told. */
static void connect_next(RedisConnect *c, const Fault *last_cause)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;

        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "%s", fault_text(last_cause));
        while (c->next_address) {
                const struct addrinfo *address = c->next_address;

                set_deadline(c, share_of_time(c));
                c->next_address = address->ai_next;
                fault_done(&cause);
                if (connect_to(c, address->ai_addr, address->ai_addrlen, &cause) >= 0)
                        return;
        }
        finish(c, NULL, false, &cause);
}

static void on_resolved(int error, struct addrinfo *addresses, void *userdata)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;
        int system_errno = errno;
        RedisConnect *c = userdata;

        c->addresses = c->next_address = addresses;
        fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "its name '%s' cannot be resolved: %s",
                c->settings.url->host, error == EAI_SYSTEM ? strerror(system_errno) : gai_strerror(error));
        connect_next(c, &cause);
}

static int connect_unix(RedisConnect *c, Fault *fault)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        g_strlcpy(address.sun_path, c->settings.url->path, sizeof(address.sun_path));
        return connect_to(c, (const struct sockaddr *)&address, sizeof(address), fault);
}

static int begin(RedisConnect *c, Fault *fault)
{
        const RedisConnectSettings *s = &c->settings;
        int r;

        r = redis_secret_read(s->password, s->password_file, s->url, &c->secret, fault);
        if (r < 0)
                return r;
        if (s->url->transport == REDIS_TRANSPORT_UNIX)
                return connect_unix(c, fault);

        r = redis_resolve_start(c->event, s->url->host, s->url->port, on_resolved, c, &c->resolve);
        return r < 0 ? fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "its name '%s' cannot be resolved: %s",
                               s->url->host, strerror(-r))
                     : 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;
        RedisConnect *c = userdata;

        (void)source;
        (void)usec;

        if (c->cause.kind != FAULT_NONE) {
                cause = fault_steal(&c->cause);
                finish(c, NULL, false, &cause);
        } else if (c->greeting) {
                fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE,
                        "it lets us connect, but does not answer; it hangs, or is no Redis server");
                finish_greeting(c, &cause);
        } else if (!c->stream)
                fail_with(c, "its name '%s' cannot be resolved: no name server answers",
                        c->settings.url->host);
        else {
                fault_set(&cause, FAULT_REGISTRY_UNAVAILABLE, "cannot connect: nobody answers there");
                connect_next(c, &cause);
        }
        return 0;
}

RedisConnect *redis_connect_new(
        sd_event *event, const RedisConnectSettings *settings, RedisConnected done, void *userdata)
{
        RedisConnect *c = g_new0(RedisConnect, 1);

        *c = (RedisConnect){
                .event = sd_event_ref(event),
                .settings = *settings,
                .done = done,
                .userdata = userdata,
                .deadline_usec = usec_add(now_usec(CLOCK_MONOTONIC), settings->limit_usec),
        };
        if (sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, c->deadline_usec, 1, on_deadline, c) < 0)
                g_error("Cannot arm a timer");

        /* What fails at once is told from the loop, too. */
        if (begin(c, &c->cause) < 0)
                set_deadline(c, 0);
        return c;
}
