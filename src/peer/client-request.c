/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client-request.h"

#include <string.h>

#include "log.h"
#include "time-util.h"
#include "wire.h"

#define ATTEMPTS_MAX 2

/* A host that a kept connection does not lead to any more is not waited for as one that works is. */
#define UNACKNOWLEDGED_USEC (5 * USEC_PER_SEC)
#define KEEPALIVE_USEC (5 * USEC_PER_SEC)

/* libcurl counts in milliseconds of 31 bits. */
#define LIMIT_MAX_USEC (24 * 3600 * USEC_PER_SEC)

struct PeerRequest {
        PeerClient *client;
        PeerRequest *next, **at; /* at: what points to us */
        PeerRequest **holder;
        PeerAsk ask;
        char *url;
        char *name; /* of the host */
        char *key; /* "Idempotency-Key: ..."; NULL: none */
        PeerDone done;
        void *userdata;

        unsigned n_attempts;
        uint64_t end_usec; /* CLOCK_MONOTONIC, of the time that the host has */
        HttpRequest *http; /* one of these is there */
        sd_event_source *pause;
        GString *answer; /* of this attempt */
};

static int start_attempt(PeerRequest *r, Fault *fault);

static void result_done(PeerResult *result)
{
        fault_done(&result->fault);
        peer_created_done(&result->created);
        g_clear_pointer(&result->agents, g_array_unref);
        peer_agent_done(&result->agent);
        peer_health_done(&result->health);
}

static void request_unlink(PeerRequest *r)
{
        *r->at = r->next;
        if (r->next)
                r->next->at = r->at;
        if (r->holder)
                *r->holder = NULL;
}

static void request_destroy(PeerRequest *r)
{
        http_request_free(r->http);
        sd_event_source_disable_unref(r->pause);
        g_free(r->ask.target);
        g_clear_pointer(&r->ask.body, g_bytes_unref);
        g_free(r->url);
        g_free(r->name);
        g_free(r->key);
        g_string_free(r->answer, TRUE);
        g_free(r);
}

PeerRequest *peer_request_free(PeerRequest *r)
{
        if (!r)
                return NULL;

        request_unlink(r);
        request_destroy(r);
        return NULL;
}

static void end(PeerRequest *r, PeerResult *result)
{
        request_unlink(r);
        r->done(result, r->userdata);
        result_done(result);
        request_destroy(r);
}

static void unreachable(PeerRequest *r, PeerResult *result, PeerVerdict verdict, const char *why)
{
        result->verdict = verdict;
        if (verdict == PEER_NOT_CONNECTED)
                fault_set(&result->fault, FAULT_PEER_UNREACHABLE, "Host %s cannot be reached: %s", r->name,
                        why);
        else if (r->ask.has_effect)
                fault_set(&result->fault, FAULT_PEER_UNREACHABLE,
                        "Host %s has not answered, and may have done what it was asked or not: %s", r->name,
                        why);
        else
                fault_set(&result->fault, FAULT_PEER_UNREACHABLE, "Host %s has not answered: %s", r->name,
                        why);
}

/* A whole reply is there. */
static void read_reply(PeerRequest *r, unsigned status, PeerResult *result)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (status >= 400) {
                wire_read_problem(r->answer->str, r->answer->len, status, &result->fault);
                return;
        }
        if (status == r->ask.wanted_status &&
                r->ask.read(r->answer->str, r->answer->len, result, &fault) >= 0)
                return;
        if (fault.kind == FAULT_NONE)
                fault_set(&fault, FAULT_FAILED, "status %u, which is none of its answers", status);
        unreachable(r, result, PEER_NO_ANSWER, fault_text(&fault));
}

static bool is_to_be_asked_again(const PeerRequest *r, const HttpResult *http)
{
        return http->fault && http->may_have_arrived && !http->too_large && r->n_attempts < ATTEMPTS_MAX;
}

static int on_pause_over(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        PeerResult result = { 0 };
        PeerRequest *r = userdata;

        (void)s;
        (void)usec;

        r->pause = sd_event_source_disable_unref(r->pause);
        if (start_attempt(r, &fault) >= 0)
                return 0;
        unreachable(r, &result, PEER_NO_ANSWER, fault_text(&fault));
        end(r, &result);
        return 0;
}

/* What has lost the answer may be a restart of the host, which is to be over. */
static int ask_again(PeerRequest *r, const Fault *why)
{
        int x = sd_event_add_time_relative(r->client->event, &r->pause, CLOCK_MONOTONIC,
                r->client->settings.pause_usec, 0, on_pause_over, r);

        if (x < 0)
                return x;
        log_debug("Host %s has not answered, and is asked again: %s", r->name, fault_text(why));
        (void)sd_event_source_set_description(r->pause, "peer-request-pause");
        return 0;
}

static void on_done(const HttpResult *http, void *userdata)
{
        PeerRequest *r = userdata;
        PeerResult result = { .verdict = PEER_ANSWERED };

        if (is_to_be_asked_again(r, http) && ask_again(r, http->fault) >= 0)
                return;
        if (!http->fault)
                read_reply(r, http->head->status, &result);
        else
                /* Whether the first attempt arrived is not known. */
                unreachable(r, &result,
                        http->may_have_arrived || r->n_attempts > 1 ? PEER_NO_ANSWER : PEER_NOT_CONNECTED,
                        fault_text(http->fault));
        end(r, &result);
}

static int on_body(const void *data, size_t size, void *userdata)
{
        PeerRequest *r = userdata;

        g_string_append_len(r->answer, data, (gssize)size);
        return 0;
}

/* What is left of the time, for the second attempt at least some. */
static uint64_t attempt_limit(const PeerRequest *r)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), left = r->end_usec > now ? r->end_usec - now : 0;

        if (r->n_attempts > 0)
                left = MAX(left, r->client->settings.again_usec);
        return MIN(left, LIMIT_MAX_USEC);
}

static int start_attempt(PeerRequest *r, Fault *fault)
{
        static const HttpHandlers handlers = { .body = on_body, .done = on_done };
        const PeerTls *tls = &r->client->settings.tls;
        const char *headers[3] = { NULL };
        size_t n_headers = 0;
        gsize size = 0;
        HttpOptions options = {
                .method = r->ask.method,
                .url = r->url,
                .headers = headers,
                .tls = { .ca_file = tls->ca_file,
                        .cert_file = tls->cert_file,
                        .key_file = tls->key_file,
                        .server_name = r->name,
                        .only_tls13 = !tls->allow_tls12 },
                .reply_max = WIRE_ANSWER_MAX,
                .connect_usec = r->client->settings.connect_usec,
                .total_usec = attempt_limit(r),
                .unacknowledged_usec = UNACKNOWLEDGED_USEC,
                .keepalive_usec = KEEPALIVE_USEC,
                .keepalive_interval_usec = KEEPALIVE_USEC,
        };

        if (r->key)
                headers[n_headers++] = r->key;
        if (r->ask.body) {
                headers[n_headers++] = "Content-Type: " WIRE_JSON;
                options.body.data = g_bytes_get_data(r->ask.body, &size);
                options.body.size = size;
        }
        g_string_truncate(r->answer, 0);
        r->n_attempts++;
        return http_request_start(r->client->http, &options, &handlers, r, &r->http, fault);
}

static char *make_key(void)
{
        g_autofree char *uuid = g_uuid_string_random();

        return g_strconcat("Idempotency-Key: ", uuid, NULL);
}

static PeerRequest *request_new(PeerClient *client, const PeerAddress *host, PeerAsk *ask)
{
        PeerRequest *r = g_new0(PeerRequest, 1);

        *r = (PeerRequest){
                .client = client,
                .ask = *ask,
                .url = g_strdup_printf("https://%s%s", host->address, ask->target),
                .name = g_strdup(host->name),
                .key = ask->has_effect ? make_key() : NULL,
                .end_usec = usec_add(now_usec(CLOCK_MONOTONIC), ask->limit_usec),
                .answer = g_string_new(NULL),
        };
        return r;
}

static void request_link(PeerRequest *r, PeerRequest **holder)
{
        r->next = r->client->requests;
        r->at = &r->client->requests;
        if (r->next)
                r->next->at = &r->next;
        r->client->requests = r;
        r->holder = holder;
        if (holder)
                *holder = r;
}

int peer_request_start(PeerClient *client,
        const PeerAddress *host,
        PeerAsk *ask,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        PeerRequest *r = request_new(client, host, ask);
        int x;

        if (!peer_tls_is_set(&client->settings.tls))
                x = fault_set(fault, FAULT_PEER_UNREACHABLE,
                        "Host %s cannot be asked: [Peers] CertFile=, KeyFile= and CaFile= are not all set here",
                        host->name);
        else
                x = start_attempt(r, fault);
        if (x < 0) {
                request_destroy(r);
                return x;
        }

        r->done = done;
        r->userdata = userdata;
        request_link(r, ret_request);
        return 0;
}
