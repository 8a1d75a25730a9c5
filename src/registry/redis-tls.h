/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TLS 1.2 or newer on a connected socket, by GnuTLS: what a redis-stream.c talks through with rediss://. The
 * server's certificate is checked against the CA and against the host's name (or address), which the server
 * is told as well (SNI). Files are read for each connection, so that renewed ones count from the next on.
 *
 * Not hiredis's own TLS: that is missing in version 0.14, and compares no names in 1.x. */

#include "fault.h"

typedef struct RedisTls RedisTls;

typedef struct RedisTlsSettings {
        const char *ca_file; /* NULL: the system's */
        const char *cert_file, *key_file; /* of the client; both or none */
} RedisTlsSettings;

/* fd: borrowed. host: the name or address that the server must prove to have. Fault: RegistryUnavailable. */
int redis_tls_new(const RedisTlsSettings *settings, int fd, const char *host, RedisTls **ret, Fault *fault);
RedisTls *redis_tls_free(RedisTls *tls);

/* 0 when done; -EAGAIN: to be called again when the socket can do what redis_tls_wants_write() says. */
int redis_tls_handshake(RedisTls *tls, Fault *fault);

/* Bytes, 0 at the end, -EAGAIN, other negative errno: the connection is broken. */
ssize_t redis_tls_read(RedisTls *tls, void *buffer, size_t size);
ssize_t redis_tls_write(RedisTls *tls, const void *data, size_t size);

/* After another error: what it was, for people. Borrowed. */
const char *redis_tls_error(const RedisTls *tls);

/* After -EAGAIN: whether it is writing that has to be possible, not reading. */
bool redis_tls_wants_write(const RedisTls *tls);
