/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks other hosts, by the API that server.h offers. A host is dialled by the address that discovery gave,
 * and has to show a certificate of our authorities for its name. Connections are kept and shared. What was
 * asked and got no answer is asked once more, of the same host: whatever has an effect carries an
 * Idempotency-Key, so that it is not done twice. Nothing else is retried here: which host to ask next is the
 * caller's to say, and whether that is safe is told with each result. Used by agenthostd. */

#include <systemd/sd-event.h>

#include "peer.h"

typedef struct PeerClient PeerClient;
typedef struct PeerRequest PeerRequest;

/* 0: the default. */
typedef struct PeerClientSettings {
        PeerTls tls;
        uint64_t connect_usec; /* with the TLS handshake: 2 s */
        uint64_t create_usec; /* but of an agent that is waited for, as long as its host does: 60 s */
        uint64_t stop_usec; /* beside the timeout; without one, as long as its host does: 30 s */
        uint64_t look_usec; /* list, info, health: 10 s */
        uint64_t pause_usec; /* before it is asked once more, as it may be being restarted: 1 s */
        uint64_t again_usec; /* then, if less than that is left: 10 s */
} PeerClientSettings;

typedef struct PeerAddress {
        const char *address; /* "10.0.0.7:50051", "[fd00::7]:50051": where it is dialled */
        const char *name; /* its host name, which its certificate has */
} PeerAddress;

typedef enum PeerVerdict {
        PEER_ANSWERED, /* it has said what it did, or with a fault why it did not */
        PEER_NOT_CONNECTED, /* it was not asked: another may be */
        PEER_NO_ANSWER, /* it may have done it, or not */
} PeerVerdict;

typedef struct PeerResult {
        PeerVerdict verdict;
        Fault fault; /* the host's; PeerUnreachable without an answer; none: one of these is set */
        PeerCreated created;
        bool stopped;
        GArray *agents; /* of PeerAgent */
        PeerAgent agent;
        PeerHealth health;
} PeerResult;

/* Runs from the loop only. The request is gone; the result is when it returns, but for what has been taken
 * out of it. May free and start any request, but not free the client. */
typedef void (*PeerDone)(PeerResult *result, void *userdata);

int peer_client_new(sd_event *event, const PeerClientSettings *settings, PeerClient **ret);

/* Requests that are under way are given up. */
PeerClient *peer_client_free(PeerClient *client);
static inline void peer_client_freep(PeerClient **client)
{
        peer_client_free(*client);
}

/* Other files, or another version, from the next request on. */
void peer_client_set_tls(PeerClient *client, const PeerTls *tls);

/* Each: what is handed over is read during the call only. ret_request: where the caller keeps it; NULL again
 * before done runs. Fault: PeerUnreachable without certificates, InvalidArgs for an address that is none;
 * then done does not run. */
int peer_client_create(PeerClient *client,
        const PeerAddress *host,
        const PeerCreate *create,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);

/* timeout_usec: whole seconds; 0: the runtime's own. */
int peer_client_stop(PeerClient *client,
        const PeerAddress *host,
        const char *agent_id,
        uint64_t timeout_usec,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);

/* guild_id "": all. */
int peer_client_list(PeerClient *client,
        const PeerAddress *host,
        const char *guild_id,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);

int peer_client_info(PeerClient *client,
        const PeerAddress *host,
        const char *agent_id,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);

int peer_client_health(PeerClient *client,
        const PeerAddress *host,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);

/* Gives it up: the connection closes, by which the host knows. done does not run. */
PeerRequest *peer_request_free(PeerRequest *request);
