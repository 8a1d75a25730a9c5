/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* agenthost.conf: the main file (the first of /etc/agenthost, /run/agenthost, /usr/lib/agenthost; user mode
 * has directories of its own), then the drop-ins of agenthost.conf.d in all of them, then the original's
 * environment variables, which win. An unknown section or key is warned about with file and line; a wrong
 * value is warned about and leaves the setting as it was: a host must not stay down for a typing error. What
 * may hold a password is never printed. */

#include "discovery.h"
#include "peer.h"
#include "placement.h"
#include "registry.h"

typedef enum UnknownClientType {
        UNKNOWN_CLIENT_TYPE_FALLBACK,
        UNKNOWN_CLIENT_TYPE_REJECT,
} UnknownClientType;

typedef enum OnConflict {
        ON_CONFLICT_STOP,
        ON_CONFLICT_KEEP,
} OnConflict;

/* [Metrics] */
typedef struct MetricsSettings {
        char *listen_address; /* "127.0.0.1:9464", as listen-address.h reads it; NULL: nowhere */
        unsigned port; /* $METRICS_PORT, which the address has then; 0: none */
        bool allow_remote; /* so it need not be one of loopback */
        unsigned n_agents_max; /* of which processor time and memory are told */
} MetricsSettings;

typedef struct Config {
        char *hostname; /* [Host] Hostname=, $HOSTNAME, else gethostname() */
        char *address; /* [Host] Address=, else hostname:port; always a valid one (host-address.h) */
        unsigned max_agents; /* [Host] MaxAgents=, $MAX_PROCESSES; at least 1 */
        char *default_runtime; /* NULL: none */
        uint64_t retain_usec;
        uint64_t retain_failed_usec;
        UnknownClientType unknown_client_type;
        bool log_all_events; /* [Host] LogAllEvents=: also those of log-agent.h that cost speed */
        RegistrySettings registry; /* [Registry], $REDIS_URL, $REDIS_PASSWORD, $HEARTBEAT_INTERVAL */
        OnConflict on_conflict; /* [Registry] OnConflict=: of an agent that another host has too */
        DiscoverySettings discovery; /* [Discovery], $AGENT_HOST_SERVICE_NAME; with our address and port */
        PlacementStrategy strategy; /* [Placement] Strategy= */
        PeerSettings peers; /* [Peers], $GRPC_PORT; its port is also the default one of addresses */
        MetricsSettings metrics;
        int log_level; /* $LOG_LEVEL */
} Config;

/* Never fails on what files say; -ENOMEM only. dirs: the directories that hold agenthost.conf and
 * agenthost.conf.d, highest precedence first (Paths.config_dirs). Warnings are logged. */
int config_load(const char *const *dirs, Config **ret);
Config *config_free(Config *config);
void config_freep(Config **config);
