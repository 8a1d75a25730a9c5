/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-client.h"

#include <glib.h>
#include <string.h>

#include "http-event.h"
#include "http-head.h"
#include "http-setup.h"
#include "time-util.h"

struct HttpClient {
        HttpEvent *event;
        HttpRequest *requests;
};

struct HttpRequest {
        HttpClient *client;
        HttpRequest *next, **at; /* at: what points to us */
        HttpRequest **holder;
        CURL *easy;
        HttpLists lists;
        HttpHandlers handlers;
        void *userdata;
        size_t reply_max, n_read;
        bool has_head;
        HttpHead head;
        bool too_large;
        int reader_error;
        char error[CURL_ERROR_SIZE];
};

static void on_done(CURL *easy, CURLcode code, void *userdata);

int http_client_new(sd_event *event, HttpClient **ret)
{
        HttpClient *c;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;

        c = g_new0(HttpClient, 1);
        r = http_event_new(event, on_done, c, &c->event);
        if (r < 0) {
                g_free(c);
                curl_global_cleanup();
                return r;
        }

        *ret = c;
        return 0;
}

HttpClient *http_client_free(HttpClient *c)
{
        if (!c)
                return NULL;

        while (c->requests)
                http_request_free(c->requests);
        http_event_free(c->event);
        g_free(c);
        curl_global_cleanup();
        return NULL;
}

static void request_link(HttpRequest *r, HttpClient *c, HttpRequest **holder)
{
        r->client = c;
        r->next = c->requests;
        r->at = &c->requests;
        if (r->next)
                r->next->at = &r->next;
        c->requests = r;
        r->holder = holder;
        if (holder)
                *holder = r;
}

static void request_unlink(HttpRequest *r)
{
        *r->at = r->next;
        if (r->next)
                r->next->at = r->at;
        if (r->holder)
                *r->holder = NULL;
}

static void request_destroy(HttpRequest *r)
{
        curl_easy_cleanup(r->easy);
        http_lists_done(&r->lists);
        g_free(r);
}

HttpRequest *http_request_free(HttpRequest *r)
{
        if (!r)
                return NULL;

        request_unlink(r);
        http_event_remove(r->client->event, r->easy);
        request_destroy(r);
        return NULL;
}

const char *http_request_header(HttpRequest *r, const char *name)
{
        struct curl_header *header;

        if (curl_easy_header(r->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
                return NULL;
        if (header->index + 1 < header->amount &&
                curl_easy_header(r->easy, name, header->amount - 1, CURLH_HEADER, -1, &header) != CURLHE_OK)
                return NULL;
        return header->value;
}

static int take_head(HttpRequest *r, unsigned status)
{
        const char *retry_after = http_request_header(r, "Retry-After");

        r->has_head = true;
        r->head = (HttpHead){
                .status = status,
                .retry_after_usec = http_parse_retry_after(
                        retry_after, (int64_t)(now_usec(CLOCK_REALTIME) / USEC_PER_SEC)),
        };
        return r->handlers.head ? r->handlers.head(r, &r->head, r->userdata) : 0;
}

/* Line by line; an empty one ends a head. There may be one of 1xx first, and trailers behind the body. */
static size_t on_header(char *data, size_t one, size_t size, void *userdata)
{
        HttpRequest *r = userdata;
        long status = 0;

        (void)one;

        if (r->has_head || size > 2 || (data[0] != '\r' && data[0] != '\n'))
                return size;
        curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status < 200)
                return size;

        r->reader_error = take_head(r, (unsigned)status);
        return r->reader_error < 0 ? 0 : size;
}

static size_t on_body(char *data, size_t one, size_t size, void *userdata)
{
        HttpRequest *r = userdata;

        (void)one;

        if (r->reply_max > 0 && size > r->reply_max - r->n_read) {
                r->too_large = true;
                return CURL_WRITEFUNC_ERROR;
        }
        r->n_read += size;
        r->reader_error = r->handlers.body ? r->handlers.body(data, size, r->userdata) : 0;
        return r->reader_error < 0 ? CURL_WRITEFUNC_ERROR : size;
}

/* By these a server refuses a certificate, and nothing else (RFC 8446, 6.2). */
static bool is_refusal(uint64_t alert)
{
        return (alert >= 42 && alert <= 46) || /* bad_certificate to certificate_unknown */
                alert == 48 || /* unknown_ca */
                alert == 49 || /* access_denied */
                alert == 116; /* certificate_required */
}

/* With TLS 1.3 a server that refuses our certificate says so after we may have sent the request, which it
 * then does not look at. libcurl has no code for that, but tells OpenSSL's: "... error:0A000418:SSL
 * routines::tlsv1 alert unknown ca", where in the lower bits alerts begin at 1000 (SSL_AD_REASON_OFFSET). */
static bool is_refused(const char *error)
{
        const char *code = strstr(error, "error:");
        char *end;
        uint64_t reason;

        if (!code)
                return false;
        reason = g_ascii_strtoull(code + strlen("error:"), &end, 16) & 0x7fffff;
        return *end == ':' && reason > 1000 && is_refusal(reason - 1000);
}

/* The connection was closed while we were still writing, be it the end of the handshake: that is what went
 * wrong first, and what was told. libcurl may take it for a failure to read, as OpenSSL goes on to look for
 * an alert. */
static bool is_unsent(const char *error, CURLcode code)
{
        return code == CURLE_SEND_ERROR || g_str_has_prefix(error, "Send failure: ") ||
                strstr(error, "SSL_write");
}

static bool may_have_arrived(const HttpRequest *r, CURLcode code)
{
        long n_sent = 0;

        if (code != CURLE_OK && !r->has_head && (is_unsent(r->error, code) || is_refused(r->error)))
                return false;
        curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &n_sent);
        return n_sent > 0;
}

/* What libcurl, or OpenSSL, says of certificates can be all but silent. */
static const char *prefix_for(CURLcode code)
{
        if (code == CURLE_PEER_FAILED_VERIFICATION)
                return "The server's certificate is not accepted: ";
        return code == CURLE_SSL_CONNECT_ERROR ? "No TLS connection, perhaps because of a certificate: "
                                               : "";
}

static void describe_failure(HttpRequest *r, CURLcode code, Fault *fault)
{
        if (r->too_large)
                fault_set(fault, FAULT_FAILED, "The reply is larger than %zu bytes", r->reply_max);
        else if (r->reader_error < 0)
                fault_set(fault, FAULT_FAILED, "The reply was refused: %s", strerror(-r->reader_error));
        else
                fault_set(fault, FAULT_FAILED, "%s%s", prefix_for(code),
                        r->error[0] ? r->error : curl_easy_strerror(code));
}

static void on_done(CURL *easy, CURLcode code, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        HttpRequest *r = NULL;
        HttpResult result;

        (void)userdata;

        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&r);
        /* A head that was cut is none, which libcurl takes for a reply without anything in it. */
        if (code == CURLE_OK && !r->has_head)
                code = CURLE_GOT_NOTHING;
        if (code != CURLE_OK)
                describe_failure(r, code, &fault);
        result = (HttpResult){
                .head = r->has_head ? &r->head : NULL,
                .fault = code == CURLE_OK ? NULL : &fault,
                .too_large = r->too_large,
                .reader_error = r->reader_error,
                .may_have_arrived = may_have_arrived(r, code),
        };

        request_unlink(r);
        r->handlers.done(&result, r->userdata);
        request_destroy(r);
}

int http_request_start(HttpClient *client,
        const HttpOptions *options,
        const HttpHandlers *handlers,
        void *userdata,
        HttpRequest **ret_request,
        Fault *fault)
{
        HttpRequest *request = g_new0(HttpRequest, 1);
        int r;

        *request = (HttpRequest){
                .easy = curl_easy_init(),
                .handlers = *handlers,
                .userdata = userdata,
                .reply_max = options->reply_max,
        };
        if (!request->easy)
                r = fault_set(fault, FAULT_FAILED, "Out of memory");
        else
                r = http_setup(request->easy, options, &request->lists, fault);
        if (r >= 0) {
                curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
                curl_easy_setopt(request->easy, CURLOPT_ERRORBUFFER, request->error);
                curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, on_header);
                curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
                curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
                curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
                if (http_event_add(client->event, request->easy) < 0)
                        r = fault_set(fault, FAULT_FAILED, "Out of memory");
        }
        if (r < 0) {
                request_destroy(request);
                return r;
        }

        request_link(request, client, ret_request);
        return 0;
}

char *http_escape(const char *text)
{
        /* As RFC 3986 has it: what is not unreserved. */
        return g_uri_escape_string(text, NULL, FALSE);
}
