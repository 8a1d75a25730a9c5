/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates for tests: authorities, servers and clients, made when they are needed. */

#include <glib.h>

typedef struct Pki Pki;

/* An authority of its own. */
Pki *pki_new(const char *name);
void pki_free(Pki *pki);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pki, pki_free)

const char *pki_ca_pem(const Pki *pki);

typedef struct PkiCert {
        char *cert; /* PEM */
        char *key;
} PkiCert;

void pki_cert_done(PkiCert *cert);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PkiCert, pki_cert_done)

/* alt: as in openssl ("DNS:localhost,IP:127.0.0.1"), NULL for none. It is valid from an hour before, until
 * valid_sec from now; less than 0: it has expired. */
PkiCert pki_issue(Pki *pki, const char *name, const char *alt, int valid_sec);

/* For one purpose only: "serverAuth", "clientAuth". */
PkiCert pki_issue_for(Pki *pki, const char *name, const char *alt, int valid_sec, const char *purpose);

/* The key under a passphrase. The caller's. */
char *pki_encrypt_key(const char *key_pem, const char *passphrase);
