/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests over HTTP and HTTPS, every one asynchronous with limits of its own. Connections are kept and used
 * again. Replies are streamed to whoever asked; a reply that never ends (a watch) is one like any other.
 * Redirects are not followed, proxies of the environment not used, nothing is asked on a terminal. Used by
 * the discovery in Kubernetes and between hosts. */

#include <systemd/sd-event.h>

#include "fault.h"

typedef struct HttpClient HttpClient;
typedef struct HttpRequest HttpRequest;

int http_client_new(sd_event *event, HttpClient **ret);

/* Requests that are under way are given up without a word. Not inside a callback of one of its requests. */
HttpClient *http_client_free(HttpClient *client);
static inline void http_client_freep(HttpClient **client)
{
        http_client_free(*client);
}

typedef struct HttpBytes {
        const void *data; /* NULL: not given */
        size_t size;
} HttpBytes;

/* Of each, the data wins over the file. PEM. Without ca, the system's authorities count. */
typedef struct HttpTls {
        const char *ca_file;
        const char *cert_file;
        const char *key_file;
        HttpBytes ca;
        HttpBytes cert;
        HttpBytes key;
        const char *server_name; /* whose certificate it has to be; NULL: the URL's host */
        bool insecure; /* anybody's certificate will do */
        bool only_tls13; /* else TLS 1.2 will do */
} HttpTls;

typedef struct HttpOptions {
        const char *method; /* NULL: GET */
        const char *url; /* http or https */
        const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
        HttpBytes body;
        HttpTls tls;
        bool gzip; /* the reply may come compressed; it is read uncompressed */
        size_t reply_max; /* bytes of the uncompressed reply; 0: no limit */

        /* 0: none. */
        uint64_t connect_usec; /* with the TLS handshake */
        uint64_t total_usec; /* from beginning to end */
        uint64_t stall_usec; /* no byte has come for so long; whole seconds */
        uint64_t unacknowledged_usec; /* what was sent has not arrived for so long: the network is cut */

        /* When to find out, on a silent connection, whether the other side is still there: after so much
         * silence, then at each interval; three unanswered probes are the end. 0: 30 s, 10 s. Whole seconds.
         */
        uint64_t keepalive_usec;
        uint64_t keepalive_interval_usec;
} HttpOptions;

typedef struct HttpHead {
        unsigned status; /* 200 and above */
        uint64_t retry_after_usec; /* what Retry-After asks for, from now; 0: nothing */
} HttpHead;

typedef struct HttpResult {
        const HttpHead *head; /* NULL: none came */
        const Fault *fault; /* NULL: the reply is complete, whatever its status */
        bool too_large; /* it ended at reply_max */
        int reader_error; /* it ended with what a handler returned; else 0 */
        bool may_have_arrived; /* false: the server has not seen all of the request, or did not look at it */
} HttpResult;

/* Handlers run from the loop only. head and body return 0, or a negative errno to end the transfer. They
 * must not free a request; done may free and start any, its own is gone when it runs. */
typedef struct HttpHandlers {
        int (*head)(HttpRequest *request, const HttpHead *head, void *userdata); /* may be NULL */
        int (*body)(const void *data, size_t size, void *userdata);
        void (*done)(const HttpResult *result, void *userdata);
} HttpHandlers;

/* A request lives until done; freeing it before means that no handler runs any more. options is read during
 * the call only. ret_request: where the caller keeps it, NULL again before done runs. Fault: InvalidArgs for
 * options that cannot be used (a broken URL); then no handler runs. */
int http_request_start(HttpClient *client,
        const HttpOptions *options,
        const HttpHandlers *handlers,
        void *userdata,
        HttpRequest **ret_request,
        Fault *fault);

HttpRequest *http_request_free(HttpRequest *request);

/* A header of the reply (its last, if there are several), or NULL. In head and body handlers only; the text
 * is valid until they return. */
const char *http_request_header(HttpRequest *request, const char *name);

/* "a%2Fb": what a text becomes as a part of a URL. The caller's (g_free). */
char *http_escape(const char *text);
