/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What other hosts may ask of this one, over HTTPS with mutual TLS (data/openapi/agenthost-peer.yaml). A
 * client must show a certificate of one of our authorities, and have a name that PeerNames= lets in.
 * Requests arrive as calls of PeerHandlers; each is answered later, once, by one of peer_call_*(). All of it
 * runs on the loop, nothing waits for a client. Used by agenthostd. */

#include <systemd/sd-event.h>

#include "peer.h"

typedef struct PeerServer PeerServer;

/* A request that waits for its answer. It is gone as soon as it has been answered, or cancelled. */
typedef struct PeerCall PeerCall;

/* What one has of the others to fear. 0: the default. */
typedef struct PeerLimits {
        unsigned n_connections; /* 1,024 */
        unsigned n_connections_of_address; /* 256 */
        unsigned connections_per_sec; /* of an address: 100, 256 at once */
        unsigned requests_per_sec; /* of a client: 2,000, as many at once */
        size_t body_max; /* bytes of a request's body: 8 MiB */
        size_t bodies_max; /* of all bodies at a time: 64 MiB */
        size_t head_max; /* of a request's head, about: 32 KiB */
        uint64_t head_usec; /* handshake and head of a connection's first request: 10 s */
        uint64_t body_usec; /* a body: 30 s */
        uint64_t send_usec; /* an answer: 30 s */
        uint64_t idle_usec; /* between requests, with the next one's head: 120 s */
        uint64_t age_usec; /* of a connection, that it is not kept after: 1 h */
        uint64_t call_usec; /* until the handlers answer, beside what they are given: 60 s */
        uint64_t grace_usec; /* how long a request with a key goes on for its client to come back: 5 s */
        unsigned n_keys; /* requests with an Idempotency-Key that are remembered: 4,096 */
        uint64_t key_usec; /* for so long: 10 min */
} PeerLimits;

typedef struct PeerServerSettings {
        const char *listen_address; /* numeric; NULL or "": all addresses */
        unsigned port; /* 0: any */
        PeerTls tls;
        char *const *peer_names; /* globs; NULL or empty: everybody of an authority of ours */
        PeerLimits limits;
} PeerServerSettings;

/* A request that was answered, for the metrics. */
typedef struct PeerObservation {
        const char *operation; /* "create", "stop", "list", "info", "health", "page", "none" */
        unsigned status;
        uint64_t usec;
} PeerObservation;

/* What is no part of the API: /metrics, /livez or /readyz. */
typedef struct PeerPage {
        unsigned status;
        const char *content_type; /* static */
        GBytes *body; /* given away */
} PeerPage;

/* A handler answers right away, or keeps the call and tells with peer_call_set_operation() how to be rid of
 * what it began. What is handed over is valid during the call only. */
typedef struct PeerHandlers {
        /* May take texts out of create (and leave NULL): they may be large. */
        void (*create)(PeerCall *call, PeerCreate *create, void *userdata);
        void (*stop)(PeerCall *call, const char *agent_id, uint64_t timeout_usec, void *userdata);
        void (*list)(PeerCall *call, const char *guild_id, void *userdata); /* "": all */
        void (*info)(PeerCall *call, const char *agent_id, void *userdata);
        void (*health)(PeerCall *call, void *userdata);
        bool (*page)(
                const char *path, PeerPage *ret, void *userdata); /* false: there is none; may be NULL */
        void (*observe)(const PeerObservation *observation, void *userdata); /* may be NULL */
} PeerHandlers;

/* Listens. settings are copied. Without certificates (peer_tls_is_set()) it listens nowhere, says so in the
 * log, and *ret is NULL. Fault: Failed. Handlers must not free the server. */
int peer_server_new(sd_event *event,
        const PeerServerSettings *settings,
        const PeerHandlers *handlers,
        void *userdata,
        PeerServer **ret,
        Fault *fault);

/* Cancels what is under way, closes all connections. */
PeerServer *peer_server_free(PeerServer *server);
static inline void peer_server_freep(PeerServer **server)
{
        peer_server_free(*server);
}

/* Other globs, from the next request on. */
void peer_server_set_names(PeerServer *server, char *const *peer_names);

/* The port that it listens on. */
unsigned peer_server_port(const PeerServer *server);

unsigned peer_server_count_connections(const PeerServer *server);

/* How often it was woken: what is idle wakes nobody. */
uint64_t peer_server_runs(const PeerServer *server);

/* --- calls --- */

/* cancel is called, at most once, when nobody wants the answer any more (the client has gone, the time is
 * up, the server ends); then, and after an answer, the call does not exist. */
void peer_call_set_operation(PeerCall *call, void *operation, void (*cancel)(void *operation));

/* deadline is asked when the time is up that the request gives: until when (CLOCK_MONOTONIC) the operation
 * may take by what it has found out since; 0: that was all. */
void peer_call_set_deadline(PeerCall *call, uint64_t (*deadline)(void *operation));

/* The name of the client's certificate. */
const char *peer_call_client(const PeerCall *call);

void peer_call_created(PeerCall *call, const PeerCreated *created);
void peer_call_stopped(PeerCall *call, bool stopped);
void peer_call_listed(PeerCall *call, const PeerAgent *agents, size_t n_agents);
void peer_call_found(PeerCall *call, const PeerAgent *agent);
void peer_call_healthy(PeerCall *call, const PeerHealth *health);
void peer_call_failed(PeerCall *call, const Fault *fault);
