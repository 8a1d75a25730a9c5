/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A request to a host, until its answer is there: what goes out, once or twice, and what comes back. Used by
 * client.c. */

#include "client.h"
#include "http-client.h"

/* Reads the body of an answer with the wanted status. Fault: Failed. */
typedef int (*PeerReader)(const char *text, size_t size, PeerResult *result, Fault *fault);

typedef struct PeerAsk {
        const char *method;
        char *target; /* "/v1/agents"; taken over */
        GBytes *body; /* taken over; NULL: none */
        bool has_effect;
        unsigned wanted_status;
        PeerReader read;
        uint64_t limit_usec;
} PeerAsk;

struct PeerClient {
        sd_event *event;
        HttpClient *http;
        char *cert_file, *key_file, *ca_file;
        PeerClientSettings settings; /* without zeros; its files are those above */
        PeerRequest *requests; /* first of a list */
};

int peer_request_start(PeerClient *client,
        const PeerAddress *host,
        PeerAsk *ask,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault);
