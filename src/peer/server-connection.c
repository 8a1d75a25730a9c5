/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-connection.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "identity.h"
#include "log.h"
#include "strv.h"
#include "time-util.h"

/* Whether a client that is silent while it waits for an answer is still there. */
#define KEEPALIVE_SEC 15
#define KEEPALIVE_INTERVAL_SEC 5
#define KEEPALIVE_PROBES 3

#define FINGERPRINT_BYTES 32

struct ServerConnection {
        PeerServer *server;
        int fd; /* libmicrohttpd's */
        gnutls_session_t session; /* the same */
        ServerCredentials *credentials;
        sd_event_source *limit;
        char address[INET6_ADDRSTRLEN];
        uint64_t began_usec;

        bool in_handshake;
        bool has_sent_finished, has_received_finished;

        char **names; /* NULL: not looked for yet */
        char *who;
};

static void write_address(const struct sockaddr *address, char *ret, socklen_t size)
{
        const struct sockaddr_in *in = (const void *)address;
        const struct sockaddr_in6 *in6 = (const void *)address;

        if (address->sa_family == AF_INET)
                inet_ntop(AF_INET, &in->sin_addr, ret, size);
        else if (address->sa_family == AF_INET6)
                inet_ntop(AF_INET6, &in6->sin6_addr, ret, size);
        else
                snprintf(ret, size, "?");
}

enum MHD_Result server_connection_on_accept(void *userdata, const struct sockaddr *address, socklen_t size)
{
        PeerServer *server = userdata;
        char text[INET6_ADDRSTRLEN];

        (void)size;

        server_event_progress(server->run);
        write_address(address, text, sizeof(text));
        if (rate_limit_take(server->connection_rate, text, now_usec(CLOCK_MONOTONIC)))
                return MHD_YES;
        if (server_may_log(server))
                log_warning("%s connects more often than %u times a second: refused", text,
                        server->limits.connections_per_sec);
        return MHD_NO;
}

ServerConnection *server_connection_of(struct MHD_Connection *mhd)
{
        return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Either side ends its handshake with a message Finished. */
static int on_finished(gnutls_session_t session,
        unsigned type,
        unsigned when,
        unsigned incoming,
        const gnutls_datum_t *message)
{
        ServerConnection *c = server_connection_of(gnutls_session_get_ptr(session));

        (void)type;
        (void)when;
        (void)message;

        if (incoming)
                c->has_received_finished = true;
        else
                c->has_sent_finished = true;
        if (c->has_received_finished && c->has_sent_finished)
                c->in_handshake = false;
        server_event_progress(c->server->run);
        return 0;
}

static int on_time_up(sd_event_source *s, uint64_t usec, void *userdata)
{
        ServerConnection *c = userdata;

        (void)s;
        (void)usec;

        log_debug("%s takes too long: disconnected", c->address);
        (void)shutdown(c->fd, SHUT_RDWR);
        return 0;
}

static void set_options(int fd)
{
        int one = 1, idle = KEEPALIVE_SEC, interval = KEEPALIVE_INTERVAL_SEC, probes = KEEPALIVE_PROBES;

        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static int set_up(ServerConnection *c)
{
        gnutls_handshake_set_hook_function(
                c->session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
        set_options(c->fd);
        if (server_credentials_apply(c->credentials, c->session) < 0)
                return -EIO;
        return sd_event_add_time_relative(
                c->server->event, &c->limit, CLOCK_MONOTONIC, c->server->limits.head_usec, 0, on_time_up, c);
}

static ServerConnection *connection_new(PeerServer *server, struct MHD_Connection *mhd)
{
        ServerConnection *c = g_new0(ServerConnection, 1);

        *c = (ServerConnection){
                .server = server,
                .fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                .session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session,
                .credentials = server_tls_get(server->tls),
                .began_usec = now_usec(CLOCK_MONOTONIC),
                .in_handshake = true,
        };
        write_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                c->address, sizeof(c->address));
        server->n_connections++;
        if (set_up(c) < 0)
                /* Without our settings its handshake would go by libmicrohttpd's: it has no certificate. */
                (void)shutdown(c->fd, SHUT_RDWR);
        return c;
}

/* The session is gone already. */
static void connection_free(ServerConnection *c)
{
        if (c->in_handshake && !c->server->ending && server_may_log(c->server))
                log_info("%s: no TLS came about, as the client has no certificate of CaFile=, does not like "
                         "ours, or speaks something else",
                        c->address);
        c->server->n_connections--;
        /* With as many connections as there may be libmicrohttpd does not listen, and begins to again only
         * when it is run once more. */
        server_event_kick(c->server->run);
        server_credentials_unref(c->credentials);
        sd_event_source_disable_unref(c->limit);
        strv_free(c->names);
        g_free(c->who);
        g_free(c);
}

void server_connection_on_change(
        void *userdata, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
        PeerServer *server = userdata;

        server_event_progress(server->run);
        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
                *context = connection_new(server, mhd);
        } else if (*context) {
                connection_free(*context);
                *context = NULL;
        }
}

void server_connection_set_limit(ServerConnection *c, uint64_t usec)
{
        if (usec == USEC_INFINITY) {
                (void)sd_event_source_set_enabled(c->limit, SD_EVENT_OFF);
                return;
        }
        (void)sd_event_source_set_time_relative(c->limit, usec);
        (void)sd_event_source_set_enabled(c->limit, SD_EVENT_ONESHOT);
}

static char *make_fingerprint(gnutls_session_t session)
{
        const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, NULL);
        unsigned char digest[FINGERPRINT_BYTES];
        GString *text = g_string_new("sha256:");
        size_t size = sizeof(digest);

        if (certs && gnutls_fingerprint(GNUTLS_DIG_SHA256, &certs[0], digest, &size) >= 0)
                for (size_t i = 0; i < size; i++)
                        g_string_append_printf(text, "%02x", digest[i]);
        return g_string_free(text, FALSE);
}

char *const *server_connection_names(ServerConnection *c)
{
        if (!c->names)
                c->names = identity_names(c->session);
        return c->names;
}

const char *server_connection_who(ServerConnection *c)
{
        char *const *names = server_connection_names(c);

        if (!c->who)
                c->who = names && *names ? g_strdup(*names) : make_fingerprint(c->session);
        return c->who;
}

const char *server_connection_address(const ServerConnection *c)
{
        return c->address;
}

int server_connection_fd(const ServerConnection *c)
{
        return c->fd;
}

bool server_connection_is_old(const ServerConnection *c)
{
        return now_usec(CLOCK_MONOTONIC) - c->began_usec >= c->server->limits.age_usec;
}
