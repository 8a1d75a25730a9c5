/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-tls.h"

#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"

#define PRIORITY_TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define PRIORITY_TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

#define N_FILES 3

/* What a file was when it was read: a replaced one differs. */
typedef struct FileMark {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified, changed;
} FileMark;

struct ServerCredentials {
        unsigned n_refs;
        gnutls_certificate_credentials_t certificate;
        gnutls_priority_t priority;
};

struct ServerTls {
        char *files[N_FILES]; /* certificate, key, authorities */
        bool allow_tls12;
        FileMark marks[N_FILES]; /* at the last reading, also when it failed */
        ServerCredentials *current;
};

static void look_at_files(const ServerTls *t, FileMark *ret)
{
        struct stat st;

        /* Compared as bytes. */
        memset(ret, 0, N_FILES * sizeof(FileMark));
        for (size_t i = 0; i < N_FILES; i++) {
                if (stat(t->files[i], &st) < 0)
                        continue;
                ret[i].device = st.st_dev;
                ret[i].inode = st.st_ino;
                ret[i].size = st.st_size;
                ret[i].modified = st.st_mtim;
                ret[i].changed = st.st_ctim;
        }
}

/* So that the client knows that nobody looks at its request, which it may have sent by now. */
static void tell_refusal(gnutls_session_t session, unsigned status)
{
        gnutls_alert_description_t alert = status & GNUTLS_CERT_SIGNER_NOT_FOUND ? GNUTLS_A_UNKNOWN_CA
                : status & GNUTLS_CERT_EXPIRED ? GNUTLS_A_CERTIFICATE_EXPIRED
                                               : GNUTLS_A_BAD_CERTIFICATE;

        (void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
}

/* Runs in the handshake. */
static int verify_client(gnutls_session_t session)
{
        gnutls_typed_vdata_st purpose = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID,
                .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
        };
        gnutls_datum_t text = { 0 };
        unsigned status = 0;

        if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0)
                return GNUTLS_E_CERTIFICATE_ERROR;
        if (status == 0)
                return 0;

        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0)
                log_debug("A peer's certificate is refused: %s", (char *)text.data);
        gnutls_free(text.data);
        tell_refusal(session, status);
        return GNUTLS_E_CERTIFICATE_ERROR;
}

static int read_files(const ServerTls *t, gnutls_certificate_credentials_t c, Fault *fault)
{
        int r;

        r = gnutls_certificate_set_x509_key_file(c, t->files[0], t->files[1], GNUTLS_X509_FMT_PEM);
        if (r < 0)
                return fault_set(fault, FAULT_FAILED, "CertFile=%s with KeyFile=%s cannot be used: %s",
                        t->files[0], t->files[1], gnutls_strerror(r));
        r = gnutls_certificate_set_x509_trust_file(c, t->files[2], GNUTLS_X509_FMT_PEM);
        if (r <= 0)
                return fault_set(fault, FAULT_FAILED, "CaFile=%s cannot be used: %s", t->files[2],
                        r < 0 ? gnutls_strerror(r) : "there is no certificate in it");
        return 0;
}

ServerCredentials *server_credentials_unref(ServerCredentials *c)
{
        if (!c || --c->n_refs > 0)
                return NULL;

        if (c->certificate)
                gnutls_certificate_free_credentials(c->certificate);
        if (c->priority)
                gnutls_priority_deinit(c->priority);
        g_free(c);
        return NULL;
}

static int read_credentials(ServerTls *t, ServerCredentials **ret, Fault *fault)
{
        ServerCredentials *c = g_new0(ServerCredentials, 1);
        int r;

        c->n_refs = 1;
        look_at_files(t, t->marks);
        if (gnutls_certificate_allocate_credentials(&c->certificate) < 0 ||
                gnutls_priority_init(&c->priority, t->allow_tls12 ? PRIORITY_TLS12 : PRIORITY_TLS13, NULL) <
                        0)
                r = fault_set(fault, FAULT_FAILED, "TLS cannot be set up");
        else
                r = read_files(t, c->certificate, fault);
        if (r < 0) {
                server_credentials_unref(c);
                return r;
        }

        gnutls_certificate_set_verify_function(c->certificate, verify_client);
        *ret = c;
        return 0;
}

int server_tls_new(const PeerTls *settings, ServerTls **ret, Fault *fault)
{
        ServerTls *t = g_new0(ServerTls, 1);
        int r;

        *t = (ServerTls){
                .files = { g_strdup(settings->cert_file), g_strdup(settings->key_file),
                        g_strdup(settings->ca_file) },
                .allow_tls12 = settings->allow_tls12,
        };
        r = read_credentials(t, &t->current, fault);
        if (r < 0) {
                server_tls_free(t);
                return r;
        }

        *ret = t;
        return 0;
}

ServerTls *server_tls_free(ServerTls *t)
{
        if (!t)
                return NULL;

        server_credentials_unref(t->current);
        for (size_t i = 0; i < N_FILES; i++)
                g_free(t->files[i]);
        g_free(t);
        return NULL;
}

static void read_again(ServerTls *t)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        ServerCredentials *fresh = NULL;

        if (read_credentials(t, &fresh, &fault) < 0) {
                log_warning("%s; peers go on with the certificate that was read before", fault_text(&fault));
                return;
        }
        server_credentials_unref(t->current);
        t->current = fresh;
        log_info("Certificate, key and authorities for peers have been read again");
}

ServerCredentials *server_tls_get(ServerTls *t)
{
        FileMark now[N_FILES];

        look_at_files(t, now);
        if (memcmp(now, t->marks, sizeof(now)) != 0)
                read_again(t);

        t->current->n_refs++;
        return t->current;
}

int server_credentials_apply(ServerCredentials *c, gnutls_session_t session)
{
        if (gnutls_priority_set(session, c->priority) < 0 ||
                gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->certificate) < 0)
                return -EIO;
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        return 0;
}
