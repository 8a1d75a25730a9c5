/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-tls.h"

#include <arpa/inet.h>
#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define PRIORITY "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"

struct RedisTls {
        gnutls_session_t session;
        gnutls_certificate_credentials_t credentials;
        int error; /* GnuTLS's, the last fatal one */
};

RedisTls *redis_tls_free(RedisTls *tls)
{
        if (!tls)
                return NULL;

        if (tls->session)
                gnutls_deinit(tls->session);
        if (tls->credentials)
                gnutls_certificate_free_credentials(tls->credentials);
        g_free(tls);
        return NULL;
}

static void tls_freep(RedisTls **tls)
{
        redis_tls_free(*tls);
}

static int cannot(Fault *fault, const char *what, const char *file, int error)
{
        return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "%s%s%s: %s", what, file ? " " : "",
                file ? file : "", gnutls_strerror(error));
}

static int load_files(RedisTls *tls, const RedisTlsSettings *settings, Fault *fault)
{
        int r;

        r = gnutls_certificate_allocate_credentials(&tls->credentials);
        if (r < 0)
                return cannot(fault, "TLS cannot be set up", NULL, r);

        r = settings->ca_file ? gnutls_certificate_set_x509_trust_file(
                                        tls->credentials, settings->ca_file, GNUTLS_X509_FMT_PEM)
                              : gnutls_certificate_set_x509_system_trust(tls->credentials);
        if (r <= 0)
                return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                        "No CA certificate can be read from %s: %s; set RedisCaFile= to a file in PEM form",
                        settings->ca_file ? settings->ca_file : "the system's store",
                        r < 0 ? gnutls_strerror(r) : "there is none in it");

        if (!settings->cert_file)
                return 0;
        r = gnutls_certificate_set_x509_key_file(
                tls->credentials, settings->cert_file, settings->key_file, GNUTLS_X509_FMT_PEM);
        return r < 0 ? fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                               "The client certificate %s with the key %s cannot be used: %s; check "
                               "RedisCertFile= and RedisKeyFile=",
                               settings->cert_file, settings->key_file, gnutls_strerror(r))
                     : 0;
}

static bool is_name(const char *host)
{
        unsigned char ignored[sizeof(struct in6_addr)];

        return !strchr(host, ':') && inet_pton(AF_INET, host, ignored) != 1;
}

static int open_session(RedisTls *tls, int fd, const char *host, Fault *fault)
{
        int r;

        r = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
        if (r >= 0)
                r = gnutls_priority_set_direct(tls->session, PRIORITY, NULL);
        if (r >= 0)
                r = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
        if (r >= 0 && is_name(host))
                r = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, host, strlen(host));
        if (r < 0)
                return cannot(fault, "TLS cannot be set up", NULL, r);

        gnutls_session_set_verify_cert(tls->session, host, 0);
        gnutls_transport_set_int(tls->session, fd);
        /* Whoever calls has a limit of his own. */
        gnutls_handshake_set_timeout(tls->session, GNUTLS_INDEFINITE_TIMEOUT);
        return 0;
}

int redis_tls_new(const RedisTlsSettings *settings, int fd, const char *host, RedisTls **ret, Fault *fault)
{
        _cleanup_(tls_freep) RedisTls *tls = g_new0(RedisTls, 1);
        int r;

        r = load_files(tls, settings, fault);
        if (r >= 0)
                r = open_session(tls, fd, host, fault);
        if (r < 0)
                return r;

        *ret = steal_ptr(tls);
        return 0;
}

static int bad_certificate(RedisTls *tls, Fault *fault)
{
        gnutls_datum_t text = { 0 };
        int r;

        r = gnutls_certificate_verification_status_print(
                gnutls_session_get_verify_cert_status(tls->session), GNUTLS_CRT_X509, &text, 0);
        r = fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                "the server's certificate is not accepted: %s Check RedisCaFile= and the host name in "
                "RedisUrl=",
                r >= 0 ? (const char *)text.data : "it cannot be verified.");
        gnutls_free(text.data);
        return r;
}

int redis_tls_handshake(RedisTls *tls, Fault *fault)
{
        int r;

        do
                r = gnutls_handshake(tls->session);
        while (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r));

        if (r >= 0)
                return 0;
        if (r == GNUTLS_E_AGAIN)
                return -EAGAIN;
        if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
                return bad_certificate(tls, fault);
        if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
                return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "the server refuses TLS with us: %s",
                        gnutls_alert_get_name(gnutls_alert_get(tls->session)));
        return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                "TLS cannot be agreed on: %s (does the server speak TLS at this port?)", gnutls_strerror(r));
}

/* What GnuTLS says, as errno. */
static ssize_t to_errno(RedisTls *tls, ssize_t n)
{
        if (n >= 0)
                return n;
        if (!gnutls_error_is_fatal((int)n))
                return -EAGAIN;
        tls->error = (int)n;
        return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : -EPROTO;
}

ssize_t redis_tls_read(RedisTls *tls, void *buffer, size_t size)
{
        ssize_t n;

        /* Warnings and new session tickets are no news. */
        do
                n = gnutls_record_recv(tls->session, buffer, size);
        while (n < 0 && n != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)n));
        return to_errno(tls, n);
}

ssize_t redis_tls_write(RedisTls *tls, const void *data, size_t size)
{
        /* One that was not done is repeated with what GnuTLS has kept of it. */
        return to_errno(tls, gnutls_record_send(tls->session, data, size));
}

const char *redis_tls_error(const RedisTls *tls)
{
        return tls->error == GNUTLS_E_FATAL_ALERT_RECEIVED
                ? gnutls_alert_get_name(gnutls_alert_get(tls->session))
                : gnutls_strerror(tls->error);
}

bool redis_tls_wants_write(const RedisTls *tls)
{
        return gnutls_record_get_direction(tls->session) == 1;
}
