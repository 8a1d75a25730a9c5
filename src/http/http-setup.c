/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-setup.h"

#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define KEEPALIVE_USEC (30 * USEC_PER_SEC)
#define KEEPALIVE_INTERVAL_USEC (10 * USEC_PER_SEC)
#define KEEPALIVE_PROBES 3

void http_lists_done(HttpLists *l)
{
        curl_slist_free_all(l->headers);
        curl_slist_free_all(l->connect_to);
        *l = (HttpLists){ 0 };
}

static int append(struct curl_slist **list, const char *text)
{
        struct curl_slist *longer = curl_slist_append(*list, text);

        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

static void urlp_free(CURLU **u)
{
        curl_url_cleanup(*u);
}

static void curl_freep(char **text)
{
        curl_free(*text);
}
#define _cleanup_curl_ _cleanup_(curl_freep)

/* What libcurl has no options for. userdata: the time for what is not acknowledged, in ms, in place of a
 * pointer; 0: as TCP has it. */
static int on_socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
        unsigned unacknowledged_msec = GPOINTER_TO_UINT(userdata);
        int probes = KEEPALIVE_PROBES;

        if (purpose != CURLSOCKTYPE_IPCXN)
                return CURL_SOCKOPT_OK;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
        if (unacknowledged_msec > 0)
                (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_msec,
                        sizeof(unacknowledged_msec));
        return CURL_SOCKOPT_OK;
}

static long to_sec(uint64_t usec, uint64_t preset)
{
        return (long)((usec ? usec : preset) / USEC_PER_SEC);
}

static void set_limits(CURL *easy, const HttpOptions *o)
{
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->connect_usec / USEC_PER_MSEC));
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(o->total_usec / USEC_PER_MSEC));
        if (o->stall_usec > 0) {
                curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
                curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, to_sec(o->stall_usec, 0));
        }

        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, to_sec(o->keepalive_usec, KEEPALIVE_USEC));
        curl_easy_setopt(
                easy, CURLOPT_TCP_KEEPINTVL, to_sec(o->keepalive_interval_usec, KEEPALIVE_INTERVAL_USEC));
        curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
        curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA,
                GUINT_TO_POINTER((unsigned)(o->unacknowledged_usec / USEC_PER_MSEC)));
}

static int set_blob(CURL *easy, CURLoption option, const HttpBytes *bytes)
{
        struct curl_blob blob = { (void *)bytes->data, bytes->size, CURL_BLOB_COPY };

        switch (curl_easy_setopt(easy, option, &blob)) {
        case CURLE_OK:
                return 0;
        case CURLE_NOT_BUILT_IN:
        case CURLE_UNKNOWN_OPTION:
                return -EOPNOTSUPP;
        default:
                return -ENOMEM;
        }
}

static int set_pem(CURL *easy, CURLoption blob, const HttpBytes *bytes, CURLoption file, const char *path)
{
        if (bytes->data)
                return set_blob(easy, blob, bytes);
        if (path)
                return curl_easy_setopt(easy, file, path) == CURLE_OK ? 0 : -ENOMEM;
        return 0;
}

static int set_tls(CURL *easy, const HttpTls *tls)
{
        int r;

        curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                (long)(tls->only_tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
        /* A key with a passphrase is an error; libcurl would ask for it on the terminal. */
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
        /* A file that was replaced counts for the next connection. */
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
        if (tls->insecure) {
                curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
                curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        if (tls->ca.data || tls->ca_file)
                /* And no others. */
                curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (tls->ca.data)
                curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);

        r = set_pem(easy, CURLOPT_CAINFO_BLOB, &tls->ca, CURLOPT_CAINFO, tls->ca_file);
        if (r >= 0)
                r = set_pem(easy, CURLOPT_SSLCERT_BLOB, &tls->cert, CURLOPT_SSLCERT, tls->cert_file);
        if (r >= 0)
                r = set_pem(easy, CURLOPT_SSLKEY_BLOB, &tls->key, CURLOPT_SSLKEY, tls->key_file);
        return r;
}

/* libcurl checks the certificate against the URL's host. So the URL names the server, and the connection is
 * made to where the URL said. */
static int set_server_name(CURL *easy, CURLU *url, const HttpOptions *o, HttpLists *lists)
{
        _cleanup_curl_ char *host = NULL, *port = NULL, *whole = NULL;
        g_autofree char *connect_to = NULL, *host_header = NULL;
        int r;

        if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
                curl_url_set(url, CURLUPART_HOST, o->tls.server_name, 0) != CURLUE_OK ||
                curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
                return -EINVAL;

        connect_to = g_strdup_printf("::%s:%s", host, port);
        host_header = g_strdup_printf("Host: %s:%s", host, port);
        r = append(&lists->connect_to, connect_to);
        if (r >= 0)
                r = append(&lists->headers, host_header);
        if (r < 0)
                return r;

        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, lists->connect_to);
        return curl_easy_setopt(easy, CURLOPT_URL, whole) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_url(CURL *easy, const HttpOptions *o, HttpLists *lists, Fault *fault)
{
        _cleanup_(urlp_free) CURLU *url = curl_url();
        _cleanup_curl_ char *scheme = NULL, *host = NULL;
        CURLUcode code;

        if (!url)
                return -ENOMEM;
        code = curl_url_set(url, CURLUPART_URL, o->url, 0);
        if (code == CURLUE_OK)
                code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
        if (code == CURLUE_OK)
                code = curl_url_get(url, CURLUPART_HOST, &host, 0);
        if (code != CURLUE_OK)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "'%s' is no URL: %s", o->url, curl_url_strerror(code));
        if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "'%s' begins with neither https:// nor http://", o->url);

        if (o->tls.server_name && strcmp(o->tls.server_name, host) != 0) {
                if (set_server_name(easy, url, o, lists) < 0)
                        return fault_set(fault, FAULT_INVALID_ARGS, "'%s' cannot be the name of a server",
                                o->tls.server_name);
                return 0;
        }
        return curl_easy_setopt(easy, CURLOPT_URL, o->url) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_body(CURL *easy, const HttpOptions *o)
{
        if (!o->body.data)
                return 0;

        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body.size);
        return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, o->body.data) == CURLE_OK ? 0 : -ENOMEM;
}

/* Whoever wants a header with a line break in it wants two. */
static bool is_header(const char *text)
{
        return strchr(text, ':') && !strpbrk(text, "\r\n");
}

static int set_headers(CURL *easy, const HttpOptions *o, HttpLists *lists, Fault *fault)
{
        int r = 0;

        for (const char *const *h = o->headers; h && *h && r >= 0; h++) {
                if (!is_header(*h))
                        /* It may be a secret. */
                        return fault_set(fault, FAULT_INVALID_ARGS, "Header %zu is none",
                                (size_t)(h - o->headers) + 1);
                r = append(&lists->headers, *h);
        }
        if (r >= 0 && lists->headers)
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lists->headers);
        return r;
}

int http_setup(CURL *easy, const HttpOptions *o, HttpLists *lists, Fault *fault)
{
        int r;

        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        if (o->gzip)
                curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
        set_limits(easy, o);

        r = set_url(easy, o, lists, fault);
        if (r >= 0)
                r = set_headers(easy, o, lists, fault);
        if (r >= 0)
                r = set_body(easy, o);
        if (r >= 0 && o->method)
                r = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, o->method) == CURLE_OK ? 0 : -ENOMEM;
        if (r >= 0)
                r = set_tls(easy, &o->tls);
        if (r == -ENOMEM)
                return fault_set(fault, FAULT_FAILED, "Out of memory");
        if (r == -EOPNOTSUPP)
                return fault_set(fault, FAULT_FAILED,
                        "This libcurl (%s) takes no certificates from memory; the one with OpenSSL does "
                        "(Debian: libcurl4)",
                        curl_version());
        return r;
}
