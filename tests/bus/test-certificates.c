/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-certificates.h"

#include <arpa/inet.h>
#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#define HOUR 3600

typedef struct Identity {
        gnutls_x509_privkey_t key;
        gnutls_x509_crt_t certificate;
} Identity;

static void must(int r)
{
        if (r < 0)
                g_error("%s", gnutls_strerror(r));
}

static void write_file(const char *directory, const char *name, const char *suffix, gnutls_datum_t *data)
{
        g_autofree char *file = g_strconcat(name, suffix, NULL), *path = NULL;

        path = g_build_filename(directory, file, NULL);
        g_assert_true(g_file_set_contents(path, (const char *)data->data, data->size, NULL));
        gnutls_free(data->data);
}

static void write_identity(const Identity *id, const char *directory, const char *name)
{
        gnutls_datum_t data;

        must(gnutls_x509_crt_export2(id->certificate, GNUTLS_X509_FMT_PEM, &data));
        write_file(directory, name, ".pem", &data);
        must(gnutls_x509_privkey_export2(id->key, GNUTLS_X509_FMT_PEM, &data));
        write_file(directory, name, ".key", &data);
}

/* by: NULL for a CA, which signs itself. */
static Identity make(const char *name, unsigned char serial, const Identity *by)
{
        const struct in_addr address = { htonl(INADDR_LOOPBACK) };
        Identity id;

        must(gnutls_x509_privkey_init(&id.key));
        must(gnutls_x509_privkey_generate(
                id.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
        must(gnutls_x509_crt_init(&id.certificate));
        must(gnutls_x509_crt_set_version(id.certificate, 3));
        must(gnutls_x509_crt_set_serial(id.certificate, &serial, 1));
        must(gnutls_x509_crt_set_activation_time(id.certificate, time(NULL) - HOUR));
        must(gnutls_x509_crt_set_expiration_time(id.certificate, time(NULL) + 24 * HOUR));
        must(gnutls_x509_crt_set_dn_by_oid(
                id.certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
        must(gnutls_x509_crt_set_key(id.certificate, id.key));
        must(gnutls_x509_crt_set_basic_constraints(id.certificate, !by, -1));
        if (by) {
                must(gnutls_x509_crt_set_subject_alt_name(
                        id.certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET));
                must(gnutls_x509_crt_set_subject_alt_name(id.certificate, GNUTLS_SAN_IPADDRESS, &address,
                        sizeof(address), GNUTLS_FSAN_APPEND));
        } else
                must(gnutls_x509_crt_set_key_usage(id.certificate, GNUTLS_KEY_KEY_CERT_SIGN));
        must(gnutls_x509_crt_sign2(id.certificate, by ? by->certificate : id.certificate,
                by ? by->key : id.key, GNUTLS_DIG_SHA256, 0));
        return id;
}

static void release(Identity *id)
{
        gnutls_x509_crt_deinit(id->certificate);
        gnutls_x509_privkey_deinit(id->key);
}

void test_certificates_make(const char *directory)
{
        Identity ca = make("a test's CA", 1, NULL), other_ca = make("another CA", 2, NULL),
                 server = make("localhost", 3, &ca), client = make("client", 4, &ca);

        write_identity(&ca, directory, "ca");
        write_identity(&other_ca, directory, "other-ca");
        write_identity(&server, directory, "server");
        write_identity(&client, directory, "client");
        release(&ca);
        release(&other_ca);
        release(&server);
        release(&client);
}
