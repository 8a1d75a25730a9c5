/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What hosts ask of one another, free of HTTP: requests, answers, and the settings of both sides. The server
 * (server.h) hands requests to whoever it was created by, through PeerHandlers; the client (client.h) sends
 * them. Used by agenthostd. */

#include <glib.h>

#include "fault.h"

/* POST /v1/agents: what CreateAgent takes. Texts that were not given are NULL, but for messaging_config and
 * client_properties, which are "" then. */
typedef struct PeerCreate {
        char *agent_spec;
        char *guild_spec;
        char *messaging_config;
        int64_t machine_id; /* within int32_t */
        char *client_type;
        char *client_properties;

        bool wait_ready;
        char *request_id;
        char *runtime;
        char *restart; /* as it was given: whoever creates the agent knows the words */
        uint64_t timeout_usec; /* 0: not given */
        char **environment;
        GVariant *unit_properties; /* a(sv); NULL: none */
        bool takeover;
        bool reschedule;
} PeerCreate;

void peer_create_done(PeerCreate *create);
#define _cleanup_peer_create_ _cleanup_(peer_create_done)

/* What CreateAgent returns. */
typedef struct PeerCreated {
        char *agent_id;
        uint64_t pid;
        char *object_path;
} PeerCreated;

void peer_created_done(PeerCreated *created);

/* What GetAgentInfo and ListAgents return. */
typedef struct PeerAgent {
        char *agent_id;
        char *guild_id;
        char *name;
        uint64_t pid; /* 0: none */
        bool is_alive;
        uint64_t created_usec; /* since the epoch */
        char *state;
        char *object_path;
} PeerAgent;

void peer_agent_done(PeerAgent *agent);

/* What Health returns. */
typedef struct PeerHealth {
        bool healthy;
        uint64_t agent_count;
        char *hostname;
} PeerHealth;

void peer_health_done(PeerHealth *health);

/* Certificate, key and authorities of both sides; PEM files, read again when they have changed. */
typedef struct PeerTls {
        const char *cert_file;
        const char *key_file;
        const char *ca_file;
        bool allow_tls12; /* else TLS 1.3 only */
} PeerTls;

/* All three are named. */
bool peer_tls_is_set(const PeerTls *tls);

typedef enum PeerMinimumTls {
        PEER_TLS_1_3,
        PEER_TLS_1_2,
} PeerMinimumTls;

/* What the configuration says. Texts may be NULL: not set. */
typedef struct PeerSettings {
        char *listen_address;
        unsigned port;
        char *cert_file;
        char *key_file;
        char *ca_file;
        char **names; /* globs; NULL or empty: everybody of an authority of ours */
        PeerMinimumTls minimum_tls;
} PeerSettings;

void peer_settings_done(PeerSettings *settings);
void peer_settings_copy(const PeerSettings *settings, PeerSettings *ret);

/* All but the names, which a server takes as it goes. */
bool peer_settings_equal_but_names(const PeerSettings *a, const PeerSettings *b);

/* Borrows from the settings. */
PeerTls peer_settings_tls(const PeerSettings *settings);
