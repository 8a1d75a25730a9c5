/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the server's parts share: the server itself, as server.c makes it. */

#include <microhttpd.h>

#include "idempotency.h"
#include "rate-limit.h"
#include "server-event.h"
#include "server-tls.h"
#include "server.h"

struct PeerServer {
        sd_event *event;
        struct MHD_Daemon *daemon;
        ServerEvent *run;
        ServerTls *tls;
        PeerHandlers handlers;
        void *userdata;
        PeerLimits limits; /* without zeros */
        char **names;
        unsigned port;

        RateLimit *connection_rate; /* by address */
        RateLimit *request_rate; /* by client */
        RateLimit *log_rate;
        Idempotency *keys;
        GHashTable *calls; /* PeerCall, each its own owner */
        size_t n_body_bytes; /* of all requests that are being received */
        unsigned n_connections;
        bool ending;
};

/* Whether a line about what strangers do may be logged: they could fill the journal. */
bool server_may_log(PeerServer *server);
