/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "discovery.h"

static const char *const source_names[_DISCOVERY_SOURCE_MAX] = {
        [DISCOVERY_NONE] = "none",
        [DISCOVERY_STATIC] = "static",
        [DISCOVERY_KUBERNETES] = "kubernetes",
        [DISCOVERY_ENDPOINTS] = "endpoints",
        [DISCOVERY_NODES] = "nodes",
};

const char *discovery_source_name(DiscoverySource source)
{
        return source_names[source];
}

DiscoverySource discovery_source_from_name(const char *name)
{
        DiscoverySource source = DISCOVERY_NONE;

        while (source < _DISCOVERY_SOURCE_MAX && strcmp(source_names[source], name) != 0)
                source++;
        return source;
}

void discovery_settings_done(DiscoverySettings *s)
{
        g_free(s->self);
        g_strfreev(s->peers);
        g_free(s->namespace);
        g_free(s->service);
        g_free(s->node_selector);
        g_free(s->kube_config);
        g_free(s->server);
        g_free(s->token_file);
        g_free(s->ca_file);
        *s = (DiscoverySettings){ 0 };
}

void discovery_settings_copy(const DiscoverySettings *s, DiscoverySettings *ret)
{
        *ret = (DiscoverySettings){
                .source = s->source,
                .self = g_strdup(s->self),
                .peers = g_strdupv(s->peers),
                .namespace = g_strdup(s->namespace),
                .service = g_strdup(s->service),
                .node_selector = g_strdup(s->node_selector),
                .kube_config = g_strdup(s->kube_config),
                .server = g_strdup(s->server),
                .token_file = g_strdup(s->token_file),
                .ca_file = g_strdup(s->ca_file),
                .port = s->port,
        };
}

static bool peers_equal(char *const *a, char *const *b)
{
        static char *const none[] = { NULL };

        return g_strv_equal((const char *const *)(a ? a : none), (const char *const *)(b ? b : none));
}

bool discovery_settings_equal(const DiscoverySettings *a, const DiscoverySettings *b)
{
        return a->source == b->source && a->port == b->port && peers_equal(a->peers, b->peers) &&
                g_strcmp0(a->self, b->self) == 0 && g_strcmp0(a->namespace, b->namespace) == 0 &&
                g_strcmp0(a->service, b->service) == 0 &&
                g_strcmp0(a->node_selector, b->node_selector) == 0 &&
                g_strcmp0(a->kube_config, b->kube_config) == 0 && g_strcmp0(a->server, b->server) == 0 &&
                g_strcmp0(a->token_file, b->token_file) == 0 && g_strcmp0(a->ca_file, b->ca_file) == 0;
}
