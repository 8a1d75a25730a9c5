/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* discovery.k8s.io/v1 EndpointSlices of a Service. */

#include <string.h>

#include "http-client.h"
#include "kube-json.h"
#include "kube-source.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

static char *make_path(const KubeTarget *t)
{
        g_autofree char *namespace = http_escape(t->namespace);
        g_autofree char *service = http_escape(t->service);
        g_autofree char *label = http_escape(SERVICE_LABEL);

        return g_strdup_printf(
                "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices?labelSelector=%s%%3D%s", namespace,
                label, service);
}

static int belongs(struct json_object *slice, const KubeTarget *t, Fault *fault)
{
        const char *service, *namespace;
        int r;

        r = kube_object_label(slice, SERVICE_LABEL, &service, fault);
        if (r >= 0)
                r = kube_object_namespace(slice, &namespace, fault);
        if (r < 0)
                return r;
        return service && strcmp(service, t->service) == 0 && namespace &&
                strcmp(namespace, t->namespace) == 0;
}

static HostFamily family_from_name(const char *type)
{
        if (type && strcmp(type, "IPv6") == 0)
                return HOST_FAMILY_IPV6;
        return type && strcmp(type, "FQDN") == 0 ? HOST_FAMILY_NAME : HOST_FAMILY_IPV4;
}

/* Nothing said means ready, and serving unless it is not ready; terminating only if it is said. */
static int read_conditions(struct json_object *endpoint, HostEntry *e, Fault *fault)
{
        struct json_object *conditions;
        bool ready, serving, terminating;
        int r;

        r = kube_get_object(endpoint, "conditions", &conditions, fault);
        if (r >= 0)
                r = kube_get_bool(conditions, "ready", true, &ready, fault);
        if (r >= 0)
                r = kube_get_bool(conditions, "serving", ready, &serving, fault);
        if (r >= 0)
                r = kube_get_bool(conditions, "terminating", false, &terminating, fault);
        if (r < 0)
                return r;

        /* With publishNotReadyAddresses one that ends is ready all the same. */
        e->ready = ready && !terminating;
        e->serving = serving;
        return 0;
}

/* The Pod's name is its hostname, unless the Pod says otherwise or shares its node's; then targetRef is what
 * the original goes by too. Endpoints that somebody wrote by hand may have a hostname only. */
static int read_endpoint(
        struct json_object *endpoint, const char *slice, HostFamily family, KubeReader *reader, Fault *fault)
{
        struct json_object *addresses, *target;
        HostEntry e = { .family = family };
        const char *hostname, *pod;
        int r;

        r = kube_get_array(endpoint, "addresses", &addresses, fault);
        if (r >= 0)
                r = kube_first_text(addresses, &e.ip, fault);
        if (r >= 0)
                r = kube_get_object(endpoint, "targetRef", &target, fault);
        if (r >= 0)
                r = kube_get_text(target, "name", &pod, fault);
        if (r >= 0)
                r = kube_get_text(endpoint, "hostname", &hostname, fault);
        if (r >= 0)
                r = kube_get_text(endpoint, "nodeName", &e.node, fault);
        if (r >= 0)
                r = kube_get_text(endpoint, "zone", &e.zone, fault);
        if (r >= 0)
                r = read_conditions(endpoint, &e, fault);
        if (r < 0)
                return r;

        e.hostname = pod ? pod : hostname;
        if (!e.hostname)
                kube_reader_warn(reader, "EndpointSlice %s: an endpoint without a name is left out", slice);
        else
                kube_reader_add(reader, slice, &e);
        return 0;
}

static int read_slice(struct json_object *slice, KubeReader *reader, Fault *fault)
{
        struct json_object *endpoints, *endpoint;
        const char *name, *type;
        size_t n;
        int r;

        r = kube_object_name(slice, &name, fault);
        if (r >= 0)
                r = kube_get_text(slice, "addressType", &type, fault);
        if (r >= 0)
                r = kube_get_array(slice, "endpoints", &endpoints, fault);
        if (r < 0)
                return r;

        n = endpoints ? json_object_array_length(endpoints) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = kube_get_item(endpoints, i, &endpoint, fault);
                if (r >= 0)
                        r = read_endpoint(endpoint, name, family_from_name(type), reader, fault);
        }
        return r;
}

const KubeSource kube_slices = {
        .what = "EndpointSlices",
        .resource = "endpointslices",
        .make_path = make_path,
        .belongs = belongs,
        .read = read_slice,
};
