/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A peer server on a test's loop, with certificates of its own, in front of a host that does what the test
 * says and writes down what it was asked. */

#include "fake/pki.h"
#include "fake/raw-tls.h"
#include "server.h"
#include "test-dir.h"

typedef enum PeerHostMode {
        PEER_HOST_ANSWERS, /* right away; but ids that are names of errors fail with these, "never" waits */
        PEER_HOST_WAITS, /* until peer_host_go_on() */
        PEER_HOST_FAILS, /* with the fault of the fixture */
} PeerHostMode;

typedef struct PeerHost {
        sd_event *event;
        TestDir dir;
        Pki *pki;
        PkiCert client; /* one that is let in: "client.example.com" */
        char *cert_file, *key_file, *ca_file;
        PeerServerSettings settings; /* to be changed before the server is started */
        PeerServer *server;

        const char *client_name; /* who calls have to come from */
        PeerHostMode mode;
        Fault fault;
        GPtrArray *waiting; /* PeerCall */
        uint64_t deadline_usec; /* CLOCK_MONOTONIC, of what waits */
        unsigned n_deadline_asked;
        unsigned n_asked; /* of all kinds */
        unsigned n_cancelled;
        unsigned n_agents; /* made */
        GString *asked; /* "create agent-1\nstop agent-1 10\n" */
        char *request_id; /* of the last create */
        unsigned last_status; /* as observed */
        unsigned n_agents_listed; /* how many there are to be listed */
} PeerHost;

/* With everything but the server. */
PeerHost *peer_host_new(void);
void peer_host_start(PeerHost *h);
void peer_host_free(PeerHost *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PeerHost, peer_host_free)

/* Writes certificate, key and authority of the server. */
void peer_host_use(PeerHost *h, const PkiCert *cert, const char *ca);

/* One of them: "cert.pem", "key.pem", "ca.pem". A new file, as by who replaces certificates. */
void peer_host_put(PeerHost *h, const char *name, const char *text);

/* The n-th (from 0) that waits is answered as for PEER_HOST_ANSWERS. */
void peer_host_go_on(PeerHost *h, unsigned n);

/* Runs the loop until so many calls wait, or have been cancelled. */
void peer_host_until_waiting(PeerHost *h, unsigned n);
void peer_host_until_cancelled(PeerHost *h, unsigned n);
void peer_host_until_connections(PeerHost *h, unsigned n);

/* A client that may be let in. */
RawTls *peer_host_connect(PeerHost *h);

/* A request and its reply, on a connection of its own; NULL: it ended without. The caller's. */
char *peer_host_ask(PeerHost *h, const char *request, gssize size);

/* "POST /v1/agents" with this body. headers: "Name: value\r\n...". The caller's. */
char *make_post(const char *headers, const char *body);

/* The least body; agent-1 or as named. The caller's. */
char *make_body(const char *agent_id);

#define assert_status(reply, status)                                              \
        do {                                                                      \
                g_assert_nonnull(reply);                                          \
                g_assert_true(g_str_has_prefix((reply), "HTTP/1.1 " status " ")); \
        } while (0)
#define assert_has(reply, text) g_assert_nonnull(strstr((reply), (text)))
