/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who the other hosts are, kept in memory: from Kubernetes (kube.c), from the settings (static.c), or
 * none but this one (none.c). Whatever the source does happens by itself, with its own retries; who asks is
 * answered from memory. Used by the host for placement and for calls to peers. */

#include <systemd/sd-event.h>

#include "fault.h"

#define DISCOVERY_PORT_DEFAULT 50051u
#define DISCOVERY_SERVICE_DEFAULT "agent-host"
#define DISCOVERY_NAMESPACE_DEFAULT "default"

typedef enum DiscoverySource {
        DISCOVERY_NONE,
        DISCOVERY_STATIC, /* Peers= */
        DISCOVERY_KUBERNETES, /* EndpointSlices of a Service */
        DISCOVERY_ENDPOINTS, /* the Endpoints of a Service, as the original read them */
        DISCOVERY_NODES, /* Nodes with certain labels */
        _DISCOVERY_SOURCE_MAX,
} DiscoverySource;

/* As in Source=. _DISCOVERY_SOURCE_MAX for another name. */
const char *discovery_source_name(DiscoverySource source);
DiscoverySource discovery_source_from_name(const char *name);

/* What the configuration says. Texts may be NULL: not set. */
typedef struct DiscoverySettings {
        DiscoverySource source;
        char *self; /* "host:port" of this host: with DISCOVERY_NONE the only one there is */
        char **peers; /* "host:port"; NULL: none */
        char *namespace; /* NULL: the one that the credentials come with, else "default" */
        char *service; /* NULL: "agent-host" */
        char *node_selector; /* NULL: all nodes */
        char *kube_config;
        char *server;
        char *token_file;
        char *ca_file;
        unsigned port; /* of hosts whose source knows none (Kubernetes); 0: 50051 */
} DiscoverySettings;

void discovery_settings_done(DiscoverySettings *settings);
void discovery_settings_copy(const DiscoverySettings *settings, DiscoverySettings *ret);
bool discovery_settings_equal(const DiscoverySettings *a, const DiscoverySettings *b);

typedef enum DiscoveryState {
        DISCOVERY_OK, /* the list is what the source says */
        DISCOVERY_STALE, /* it was; the source is away */
        DISCOVERY_DOWN, /* there has been no list yet */
        DISCOVERY_OFF, /* there is no source */
        _DISCOVERY_STATE_MAX,
} DiscoveryState;

const char *discovery_state_name(DiscoveryState state);

/* A host. Texts are never NULL. */
typedef struct DiscoveryHost {
        const char *hostname; /* unique in a list */
        const char *address; /* hostname:port */
        const char *ip; /* where it is to be called; "": by its name */
        const char *zone; /* "": not known */
        const char *node; /* "": not known */
        bool ready; /* agents may be placed there */
        bool serving; /* it answers calls, also while it ends */
} DiscoveryHost;

typedef struct Discovery Discovery;

/* The list, the state or its reason has changed. From the loop only, never inside a call. The discovery must
 * not be freed in it. */
typedef void (*DiscoveryChanged)(Discovery *discovery, void *userdata);

/* settings are copied. Fault: InvalidArgs for settings that can never work. A source that cannot be reached,
 * or has no credentials, is none: that is a state. */
int discovery_new(sd_event *event,
        const DiscoverySettings *settings,
        DiscoveryChanged changed,
        void *userdata,
        Discovery **ret,
        Fault *fault);

/* One that will never know of any host, and why, in place of settings that can never work. */
Discovery *discovery_unusable_new(const Fault *why);

Discovery *discovery_free(Discovery *discovery);
static inline void discovery_freep(Discovery **discovery)
{
        discovery_free(*discovery);
}

/* reason: why it is not DISCOVERY_OK, for users; NULL with DISCOVERY_OK and DISCOVERY_OFF. May be NULL. */
DiscoveryState discovery_state(const Discovery *discovery, const char **ret_reason);

/* How often the source could not be used, for the metrics. */
uint64_t discovery_error_count(const Discovery *discovery);

/* Sorted by hostname (bytes), so that all hosts have the same order. Valid until the loop goes on. The host
 * that asks is among them, if its source knows it. */
const DiscoveryHost *discovery_hosts(const Discovery *discovery, size_t *ret_n);

/* NULL if there is none. */
const DiscoveryHost *discovery_find(const Discovery *discovery, const char *hostname);
