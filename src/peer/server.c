/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server.h"

#include <gnutls/abstract.h>
#include <string.h>

#include "log.h"
#include "server-call.h"
#include "server-connection.h"
#include "server-listen.h"
#include "server-private.h"
#include "server-request.h"
#include "strv.h"
#include "time-util.h"

#define BURST_OF_CONNECTIONS 256u
#define NAMES_MAX 4096u

static const PeerLimits preset = {
        .n_connections = 1024,
        .n_connections_of_address = 256,
        .connections_per_sec = 100,
        .requests_per_sec = 2000,
        .body_max = 8u * 1024 * 1024,
        .bodies_max = 64u * 1024 * 1024,
        .head_max = 32u * 1024,
        .head_usec = 10 * USEC_PER_SEC,
        .body_usec = 30 * USEC_PER_SEC,
        .send_usec = 30 * USEC_PER_SEC,
        .idle_usec = 120 * USEC_PER_SEC,
        .age_usec = 3600 * USEC_PER_SEC,
        .call_usec = 60 * USEC_PER_SEC,
        .grace_usec = 5 * USEC_PER_SEC,
        .n_keys = 4096,
        .key_usec = 600 * USEC_PER_SEC,
};

#define FILL_UP(field)    \
        if (l.field == 0) \
        l.field = preset.field

static PeerLimits fill_up(PeerLimits l)
{
        FILL_UP(n_connections);
        FILL_UP(n_connections_of_address);
        FILL_UP(connections_per_sec);
        FILL_UP(requests_per_sec);
        FILL_UP(body_max);
        FILL_UP(bodies_max);
        FILL_UP(head_max);
        FILL_UP(head_usec);
        FILL_UP(body_usec);
        FILL_UP(send_usec);
        FILL_UP(idle_usec);
        FILL_UP(age_usec);
        FILL_UP(call_usec);
        FILL_UP(grace_usec);
        FILL_UP(n_keys);
        FILL_UP(key_usec);
        return l;
}

bool server_may_log(PeerServer *s)
{
        return rate_limit_take(s->log_rate, "", now_usec(CLOCK_MONOTONIC));
}

/* libmicrohttpd wants to have a certificate of its own. No connection uses it: see server-tls.h. */
static int has_no_certificate(gnutls_session_t session,
        const struct gnutls_cert_retr_st *info,
        gnutls_pcert_st **certs,
        unsigned *n_certs,
        gnutls_ocsp_data_st **ocsp,
        unsigned *n_ocsp,
        gnutls_privkey_t *key,
        unsigned *flags)
{
        (void)session;
        (void)info;
        (void)certs;
        (void)n_certs;
        (void)ocsp;
        (void)n_ocsp;
        (void)key;
        (void)flags;

        return -1;
}

/* Paths are taken apart as they came: an id may have an escaped slash in it. */
static size_t keep_escapes(void *userdata, struct MHD_Connection *mhd, char *text)
{
        (void)userdata;
        (void)mhd;

        return strlen(text);
}

/* About clients, and what they do wrong. */
static _printf_(2, 0) void log_of_library(void *userdata, const char *format, va_list ap)
{
        g_autofree char *text = NULL;

        (void)userdata;

        if (log_level() < LOG_DEBUG)
                return;
        text = g_strdup_vprintf(format, ap);
        log_debug("libmicrohttpd: %s", g_strchomp(text));
}

static struct MHD_Daemon *start_daemon(PeerServer *s, int listen_fd)
{
        const struct MHD_OptionItem options[] = {
                { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_of_library, s },
                { MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL },
                { MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)has_no_certificate },
                { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)server_connection_on_change, s },
                { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)server_request_on_completed, s },
                { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL },
                { MHD_OPTION_CONNECTION_LIMIT, s->limits.n_connections, NULL },
                { MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->limits.n_connections_of_address, NULL },
                { MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)s->limits.head_max, NULL },
                { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
                { MHD_OPTION_END, 0, NULL },
        };

        return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                0, server_connection_on_accept, s, server_request_on_access, s, MHD_OPTION_ARRAY, options,
                MHD_OPTION_END);
}

static int start(PeerServer *s, const PeerServerSettings *settings, Fault *fault)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = server_tls_new(&settings->tls, &s->tls, fault);
        if (r < 0)
                return r;
        fd = server_listen(settings->listen_address, settings->port, &s->port, fault);
        if (fd < 0)
                return fd;

        s->daemon = start_daemon(s, fd);
        if (!s->daemon)
                return fault_set(fault, FAULT_FAILED, "The server for peers cannot be started");
        (void)steal_fd(&fd);
        return server_event_new(s->event, s->daemon, &s->run);
}

static PeerServer *make_server(
        sd_event *event, const PeerServerSettings *settings, const PeerHandlers *handlers, void *userdata)
{
        PeerServer *s = g_new0(PeerServer, 1);
        PeerLimits limits = fill_up(settings->limits);

        *s = (PeerServer){
                .event = sd_event_ref(event),
                .handlers = *handlers,
                .userdata = userdata,
                .limits = limits,
                .connection_rate = rate_limit_new(
                        &(RateLimitSettings){ limits.connections_per_sec, BURST_OF_CONNECTIONS, NAMES_MAX }),
                .request_rate = rate_limit_new(
                        &(RateLimitSettings){ limits.requests_per_sec, limits.requests_per_sec, NAMES_MAX }),
                .log_rate = rate_limit_new(&(RateLimitSettings){ 1, 10, 1 }),
                .keys = idempotency_new(limits.n_keys, limits.key_usec),
                .calls = g_hash_table_new(NULL, NULL),
        };
        peer_server_set_names(s, settings->peer_names);
        return s;
}

int peer_server_new(sd_event *event,
        const PeerServerSettings *settings,
        const PeerHandlers *handlers,
        void *userdata,
        PeerServer **ret,
        Fault *fault)
{
        PeerServer *s;
        int r;

        if (!peer_tls_is_set(&settings->tls)) {
                log_notice("No other host can reach this one: [Peers] CertFile=, KeyFile= and CaFile= are "
                           "not all set");
                *ret = NULL;
                return 0;
        }

        s = make_server(event, settings, handlers, userdata);
        r = start(s, settings, fault);
        if (r < 0) {
                peer_server_free(s);
                return fault_set(fault, FAULT_FAILED, "The server for peers: %s", strerror(-r));
        }

        log_info("Peers are listened to on port %u", s->port);
        *ret = s;
        return 0;
}

static void cancel_calls(PeerServer *s)
{
        GHashTableIter iter;
        void *call;

        for (;;) {
                g_hash_table_iter_init(&iter, s->calls);
                if (!g_hash_table_iter_next(&iter, &call, NULL))
                        return;
                server_call_cancel(call);
        }
}

PeerServer *peer_server_free(PeerServer *s)
{
        if (!s)
                return NULL;

        s->ending = true;
        /* First: libmicrohttpd must not end while it has suspended connections. */
        cancel_calls(s);
        if (s->daemon)
                MHD_stop_daemon(s->daemon);
        server_event_free(s->run);
        server_tls_free(s->tls);
        idempotency_free(s->keys);
        rate_limit_free(s->connection_rate);
        rate_limit_free(s->request_rate);
        rate_limit_free(s->log_rate);
        g_hash_table_unref(s->calls);
        strv_free(s->names);
        sd_event_unref(s->event);
        g_free(s);
        return NULL;
}

void peer_server_set_names(PeerServer *s, char *const *peer_names)
{
        strv_free(s->names);
        s->names = g_strdupv((char **)peer_names);
}

unsigned peer_server_port(const PeerServer *s)
{
        return s->port;
}

unsigned peer_server_count_connections(const PeerServer *s)
{
        return s->n_connections;
}

uint64_t peer_server_runs(const PeerServer *s)
{
        return server_event_runs(s->run);
}
