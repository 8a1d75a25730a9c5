/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

#include <fnmatch.h>
#include <gnutls/x509.h>
#include <string.h>

#include "escape.h"
#include "strv.h"

#define NAME_MAX_BYTES 256
#define NAMES_MAX 64u

static bool is_name(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
                        return false;
        return size > 0 && utf8_is_valid(text, size);
}

static void add_alt_names(gnutls_x509_crt_t cert, char ***names)
{
        for (unsigned i = 0; i < NAMES_MAX; i++) {
                char name[NAME_MAX_BYTES + 1] = "";
                size_t size = NAME_MAX_BYTES;
                int type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &size, NULL);

                if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                        return;
                if (type == GNUTLS_SAN_DNSNAME && is_name(name, size))
                        (void)strv_extend(names, name);
        }
}

static void add_common_name(gnutls_x509_crt_t cert, char ***names)
{
        char name[NAME_MAX_BYTES + 1] = "";
        size_t size = NAME_MAX_BYTES;

        if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) >= 0 &&
                is_name(name, size))
                (void)strv_extend(names, name);
}

char **identity_names(gnutls_session_t session)
{
        unsigned n_certs = 0;
        const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &n_certs);
        gnutls_x509_crt_t cert;
        char **names = NULL;

        if (!certs || n_certs == 0 || gnutls_x509_crt_init(&cert) < 0)
                return NULL;

        if (gnutls_x509_crt_import(cert, &certs[0], GNUTLS_X509_FMT_DER) >= 0) {
                add_alt_names(cert, &names);
                if (!names)
                        add_common_name(cert, &names);
        }
        gnutls_x509_crt_deinit(cert);
        return names ? names : calloc(1, sizeof(char *));
}

bool identity_is_allowed(char *const *names, char *const *globs)
{
        if (!globs || !*globs)
                return true;

        for (char *const *g = globs; *g; g++)
                for (char *const *n = names; *n; n++)
                        if (fnmatch(*g, *n, FNM_CASEFOLD) == 0)
                                return true;
        return false;
}
