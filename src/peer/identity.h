/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a client is: the names in its certificate, which an authority of ours has signed. Used by the
 * server. */

#include <gnutls/gnutls.h>

#include "macros.h"

/* The DNS names of the certificate's subjectAltName; its common name, if it has none. NULL-terminated, owned
 * by the caller. Empty for a certificate without a name. NULL without a certificate. */
char **identity_names(gnutls_session_t session);

/* Whether one of the names is what one of the globs says ("host-*.example.com"; a "*" goes over dots too,
 * and case does not matter). No globs: every name is, and so is nobody's. */
bool identity_is_allowed(char *const *names, char *const *globs);
