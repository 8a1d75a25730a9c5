/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* core/v1 Endpoints of a Service, for clusters without EndpointSlices, and as the original read them. */

#include <string.h>

#include "http-client.h"
#include "kube-json.h"
#include "kube-source.h"

static char *make_path(const KubeTarget *t)
{
        g_autofree char *namespace = http_escape(t->namespace);
        g_autofree char *service = http_escape(t->service);

        return g_strdup_printf(
                "/api/v1/namespaces/%s/endpoints?fieldSelector=metadata.name%%3D%s", namespace, service);
}

static int belongs(struct json_object *object, const KubeTarget *t, Fault *fault)
{
        const char *name, *namespace;
        int r;

        r = kube_object_name(object, &name, fault);
        if (r >= 0)
                r = kube_object_namespace(object, &namespace, fault);
        if (r < 0)
                return r;
        return strcmp(name, t->service) == 0 && namespace && strcmp(namespace, t->namespace) == 0;
}

static int read_address(struct json_object *address, bool ready, KubeReader *reader, Fault *fault)
{
        HostEntry e = { .ready = ready, .serving = ready };
        struct json_object *target;
        const char *pod, *hostname;
        int r;

        r = kube_get_text(address, "ip", &e.ip, fault);
        if (r >= 0)
                r = kube_get_text(address, "nodeName", &e.node, fault);
        if (r >= 0)
                r = kube_get_object(address, "targetRef", &target, fault);
        if (r >= 0)
                r = kube_get_text(target, "name", &pod, fault);
        if (r >= 0)
                r = kube_get_text(address, "hostname", &hostname, fault);
        if (r < 0)
                return r;

        e.family = e.ip && strchr(e.ip, ':') ? HOST_FAMILY_IPV6 : HOST_FAMILY_IPV4;
        e.hostname = pod ? pod : hostname;
        if (!e.hostname)
                kube_reader_warn(reader, "Endpoints %s: an address without a name is left out",
                        reader->target->service);
        else
                kube_reader_add(reader, reader->target->service, &e);
        return 0;
}

static int read_addresses(
        struct json_object *subset, const char *key, bool ready, KubeReader *reader, Fault *fault)
{
        struct json_object *addresses, *address;
        size_t n;
        int r;

        r = kube_get_array(subset, key, &addresses, fault);
        if (r < 0)
                return r;
        n = addresses ? json_object_array_length(addresses) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = kube_get_item(addresses, i, &address, fault);
                if (r >= 0)
                        r = read_address(address, ready, reader, fault);
        }
        return r;
}

static int read_endpoints(struct json_object *object, KubeReader *reader, Fault *fault)
{
        struct json_object *subsets, *subset;
        size_t n;
        int r;

        r = kube_get_array(object, "subsets", &subsets, fault);
        if (r < 0)
                return r;
        n = subsets ? json_object_array_length(subsets) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = kube_get_item(subsets, i, &subset, fault);
                if (r >= 0)
                        r = read_addresses(subset, "addresses", true, reader, fault);
                if (r >= 0)
                        r = read_addresses(subset, "notReadyAddresses", false, reader, fault);
        }
        return r;
}

const KubeSource kube_endpoints = {
        .what = "Endpoints",
        .resource = "endpoints",
        .make_path = make_path,
        .belongs = belongs,
        .read = read_endpoints,
};
