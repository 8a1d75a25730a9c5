/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* core/v1 Nodes with certain labels, for clusters whose nodes run agenthost themselves. */

#include <string.h>

#include "http-client.h"
#include "kube-json.h"
#include "kube-source.h"

#define ZONE_LABEL "topology.kubernetes.io/zone"

static char *make_path(const KubeTarget *t)
{
        g_autofree char *selector = http_escape(t->node_selector);

        return *selector ? g_strdup_printf("/api/v1/nodes?labelSelector=%s", selector)
                         : g_strdup("/api/v1/nodes");
}

/* What a selector means is the server's to say. */
static int belongs(struct json_object *node, const KubeTarget *t, Fault *fault)
{
        (void)node;
        (void)t;
        (void)fault;

        return 1;
}

static int read_addresses(struct json_object *status, HostEntry *e, Fault *fault)
{
        struct json_object *addresses, *item;
        const char *type, *address;
        size_t n;
        int r;

        r = kube_get_array(status, "addresses", &addresses, fault);
        if (r < 0)
                return r;
        n = addresses ? json_object_array_length(addresses) : 0;
        for (size_t i = 0; i < n; i++) {
                r = kube_get_item(addresses, i, &item, fault);
                if (r >= 0)
                        r = kube_get_text(item, "type", &type, fault);
                if (r >= 0)
                        r = kube_get_text(item, "address", &address, fault);
                if (r < 0)
                        return r;
                /* Of several, the first is the node's own. */
                if (type && address && !e->ip && strcmp(type, "InternalIP") == 0)
                        e->ip = address;
                else if (type && address && !e->hostname && strcmp(type, "Hostname") == 0)
                        e->hostname = address;
        }
        e->family = e->ip && strchr(e->ip, ':') ? HOST_FAMILY_IPV6 : HOST_FAMILY_IPV4;
        return 0;
}

static int read_ready(struct json_object *status, bool *ret, Fault *fault)
{
        struct json_object *conditions, *item;
        const char *type, *value;
        size_t n;
        int r;

        *ret = false;
        r = kube_get_array(status, "conditions", &conditions, fault);
        if (r < 0)
                return r;
        n = conditions ? json_object_array_length(conditions) : 0;
        for (size_t i = 0; i < n; i++) {
                r = kube_get_item(conditions, i, &item, fault);
                if (r >= 0)
                        r = kube_get_text(item, "type", &type, fault);
                if (r >= 0)
                        r = kube_get_text(item, "status", &value, fault);
                if (r < 0)
                        return r;
                if (type && strcmp(type, "Ready") == 0)
                        *ret = value && strcmp(value, "True") == 0;
        }
        return 0;
}

static int read_node(struct json_object *node, KubeReader *reader, Fault *fault)
{
        struct json_object *spec, *status;
        HostEntry e = { 0 };
        bool cordoned;
        int r;

        r = kube_object_name(node, &e.node, fault);
        if (r >= 0)
                r = kube_object_label(node, ZONE_LABEL, &e.zone, fault);
        if (r >= 0)
                r = kube_get_object(node, "spec", &spec, fault);
        if (r >= 0)
                r = kube_get_bool(spec, "unschedulable", false, &cordoned, fault);
        if (r >= 0)
                r = kube_get_object(node, "status", &status, fault);
        if (r >= 0)
                r = read_addresses(status, &e, fault);
        if (r >= 0)
                r = read_ready(status, &e.serving, fault);
        if (r < 0)
                return r;

        e.ready = e.serving && !cordoned;
        if (!e.hostname)
                e.hostname = e.node;
        kube_reader_add(reader, e.node, &e);
        return 0;
}

const KubeSource kube_nodes = {
        .what = "Nodes",
        .resource = "nodes",
        .make_path = make_path,
        .belongs = belongs,
        .read = read_node,
};
