/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The server's side of TLS: certificate, key and authorities from their files, and what is set on the
 * session of each connection, which libmicrohttpd has made. The files are looked at whenever a connection
 * comes, and read again when they have changed; connections that exist keep what they began with. A client
 * has to show a certificate, valid now and for clients, of an authority of ours: else its handshake fails.
 * Used by server-connection.c. */

#include <gnutls/gnutls.h>

#include "peer.h"

typedef struct ServerTls ServerTls;

/* What a connection uses; counted. */
typedef struct ServerCredentials ServerCredentials;

/* Fault: Failed, with the file that cannot be used. */
int server_tls_new(const PeerTls *settings, ServerTls **ret, Fault *fault);
ServerTls *server_tls_free(ServerTls *tls);

/* The present ones, after a look at the files; the caller's. Files that cannot be used, while one of them
 * has been replaced and the other not yet, leave what was there; that is logged once. */
ServerCredentials *server_tls_get(ServerTls *tls);
ServerCredentials *server_credentials_unref(ServerCredentials *credentials);

/* To be called before the handshake begins. They must outlive the session. 0 or -EIO. */
int server_credentials_apply(ServerCredentials *credentials, gnutls_session_t session);
