/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An HTTP/1.1 server for tests, with TLS or without, on a port of 127.0.0.1. It has threads of its own, one
 * for each connection, so that it goes on while the test waits in its loop; a handler there may take its
 * time and send whatever bytes it likes. */

#include <glib.h>

#include "macros.h"

typedef struct FakeHttp FakeHttp;
typedef struct FakeConnection FakeConnection;

typedef struct FakeRequest {
        const char *method;
        const char *target; /* path with its query */
        GHashTable *headers; /* names in lower case -> values */
        const char *body;
        size_t body_size;
        const char *client; /* the name in the client's certificate; NULL: it has none that is valid */
        bool has_foreign_cert; /* it has one that is not valid, or of another authority */
} FakeRequest;

/* In the connection's thread. false: the connection is closed. */
typedef bool (*FakeHandler)(FakeConnection *connection, const FakeRequest *request, void *userdata);

typedef struct FakeTls {
        const char *cert; /* PEM; NULL: plain HTTP */
        const char *key;
        const char *client_ca; /* clients are asked for a certificate, and let in without */
        bool only_tls12;
} FakeTls;

/* port: 0 for any. */
FakeHttp *fake_http_new(const FakeTls *tls, unsigned port, FakeHandler handler, void *userdata);

/* Closes everything, waits for the handlers to return: fake_wait() returns false for them. */
void fake_http_free(FakeHttp *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHttp, fake_http_free)

unsigned fake_http_port(const FakeHttp *server);

/* How many connections there have been. */
unsigned fake_http_count_connections(FakeHttp *server);

/* Those there are now are shut down, amid whatever they are doing. */
void fake_http_cut(FakeHttp *server);

/* For handlers. All of it, or false. */
bool fake_send(FakeConnection *c, const void *data, size_t size);

/* Waits so long; false as soon as the connection is to end, or the client has gone. */
bool fake_wait(FakeConnection *c, unsigned msec);

/* The name that the client has asked for in its TLS handshake; NULL for none. */
const char *fake_server_name(FakeConnection *c);

/* Ends with a reset instead of a close. */
void fake_reset_at_close(FakeConnection *c);
