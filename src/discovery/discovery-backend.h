/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a source implements, and what it tells discovery.c. */

#include "discovery.h"
#include "host-list.h"

/* backend: what start made; the discovery owns it. */
typedef struct DiscoveryOps {
        int (*start)(sd_event *event,
                const DiscoverySettings *settings,
                Discovery *discovery,
                void **ret_backend,
                Fault *fault);
        void (*free)(void *backend);
} DiscoveryOps;

extern const DiscoveryOps discovery_none;
extern const DiscoveryOps discovery_static;
extern const DiscoveryOps discovery_kube;

/* A new list, owned by the discovery from here on: what the source says now. */
void discovery_set_hosts(Discovery *discovery, HostList *hosts);

/* The source is away: stale if there has been a list, else down. */
void discovery_set_away(Discovery *discovery, const char *reason);

/* It is back, and the list is as good as ever. */
void discovery_set_ok(Discovery *discovery);

void discovery_set_off(Discovery *discovery);
