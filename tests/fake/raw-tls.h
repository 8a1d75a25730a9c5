/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client that sends whatever bytes a test likes, over TLS or without, to a server that runs on the test's
 * loop. Each step is done by a thread, and the loop runs until it is done. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "pki.h"

typedef struct RawTls RawTls;

/* cert NULL: without one. ca: PEM, of the server's authority; NULL: not looked at. The server has to be
 * "localhost". NULL when no connection comes about: with TLS 1.3 a server's refusal shows only later. */
RawTls *raw_tls_new(sd_event *event, unsigned port, const char *ca, const PkiCert *cert);

/* The same with TLS 1.2 only. */
RawTls *raw_tls_new_12(sd_event *event, unsigned port, const char *ca, const PkiCert *cert);

/* Without TLS. */
RawTls *raw_tls_new_plain(sd_event *event, unsigned port);

/* Closes, without more ado. */
void raw_tls_free(RawTls *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RawTls, raw_tls_free)

/* false: it could not all be sent. */
bool raw_tls_send(RawTls *c, const char *data, gssize size);

/* The next reply, head and body as Content-Length says; what comes beside it is kept for the next. NULL: the
 * connection ended before. The caller's. */
char *raw_tls_read(RawTls *c);

/* Waits for the end of the connection; false: something came before it. */
bool raw_tls_ends(RawTls *c);
