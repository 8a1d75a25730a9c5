/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define HOUR 3600
#define YEAR (365 * 24 * HOUR)

struct Pki {
        EVP_PKEY *key;
        X509 *cert;
        char *pem;
        long serial;
};

static char *take_bio(BIO *bio)
{
        char *data, *text;
        long size = BIO_get_mem_data(bio, &data);

        text = g_strndup(data, (gsize)size);
        BIO_free(bio);
        return text;
}

static char *cert_to_pem(X509 *cert)
{
        BIO *bio = BIO_new(BIO_s_mem());

        g_assert_cmpint(PEM_write_bio_X509(bio, cert), ==, 1);
        return take_bio(bio);
}

static char *key_to_pem(EVP_PKEY *key)
{
        BIO *bio = BIO_new(BIO_s_mem());

        g_assert_cmpint(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), ==, 1);
        return take_bio(bio);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509_EXTENSION *extension;
        X509V3_CTX context;

        X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        g_assert_nonnull(extension);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
}

/* issuer NULL: by itself. */
static X509 *make_cert(EVP_PKEY *key, const char *name, long serial, int valid_sec, X509 *issuer)
{
        X509 *cert = X509_new();
        X509_NAME *subject = X509_get_subject_name(cert);

        X509_set_version(cert, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
        X509_gmtime_adj(X509_getm_notBefore(cert), valid_sec < 0 ? -2 * HOUR : -HOUR);
        X509_gmtime_adj(X509_getm_notAfter(cert), valid_sec);
        X509_set_pubkey(cert, key);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
        return cert;
}

Pki *pki_new(const char *name)
{
        Pki *p = g_new0(Pki, 1);

        p->key = EVP_EC_gen("P-256");
        p->serial = 1;
        p->cert = make_cert(p->key, name, p->serial, YEAR, NULL);
        add_extension(p->cert, p->cert, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(p->cert, p->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
        add_extension(p->cert, p->cert, NID_subject_key_identifier, "hash");
        g_assert_cmpint(X509_sign(p->cert, p->key, EVP_sha256()), >, 0);
        p->pem = cert_to_pem(p->cert);
        return p;
}

void pki_free(Pki *p)
{
        EVP_PKEY_free(p->key);
        X509_free(p->cert);
        g_free(p->pem);
        g_free(p);
}

const char *pki_ca_pem(const Pki *p)
{
        return p->pem;
}

void pki_cert_done(PkiCert *c)
{
        g_clear_pointer(&c->cert, g_free);
        g_clear_pointer(&c->key, g_free);
}

PkiCert pki_issue_for(Pki *p, const char *name, const char *alt, int valid_sec, const char *purpose)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = make_cert(key, name, ++p->serial, valid_sec, p->cert);
        PkiCert made;

        add_extension(cert, p->cert, NID_authority_key_identifier, "keyid");
        add_extension(cert, p->cert, NID_ext_key_usage, purpose);
        if (alt)
                add_extension(cert, p->cert, NID_subject_alt_name, alt);
        g_assert_cmpint(X509_sign(cert, p->key, EVP_sha256()), >, 0);
        made = (PkiCert){ cert_to_pem(cert), key_to_pem(key) };
        X509_free(cert);
        EVP_PKEY_free(key);
        return made;
}

PkiCert pki_issue(Pki *p, const char *name, const char *alt, int valid_sec)
{
        return pki_issue_for(p, name, alt, valid_sec, "serverAuth,clientAuth");
}

char *pki_encrypt_key(const char *key_pem, const char *passphrase)
{
        BIO *in = BIO_new_mem_buf(key_pem, -1), *out = BIO_new(BIO_s_mem());
        EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

        g_assert_nonnull(key);
        g_assert_cmpint(PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(),
                                (const unsigned char *)passphrase, (int)strlen(passphrase), NULL, NULL),
                ==, 1);
        EVP_PKEY_free(key);
        BIO_free(in);
        return take_bio(out);
}
