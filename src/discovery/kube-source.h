/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The three kinds of objects that hosts are read from: EndpointSlices, Endpoints, Nodes. Each knows where
 * they are listed and what one says; everything else is the same for all (kube-watch.c). */

#include "host-list.h"
#include "json-check.h"

typedef struct KubeTarget {
        const char *namespace;
        const char *service;
        const char *node_selector; /* "": all */
        unsigned port; /* where hosts listen */
} KubeTarget;

/* Takes what one object says. */
typedef struct KubeReader {
        const KubeTarget *target;
        HostEntries *entries;
        GPtrArray *warnings; /* of owned texts: what was left out, and why */
} KubeReader;

typedef struct KubeSource {
        const char *what; /* "EndpointSlices" */
        const char *resource; /* "endpointslices", as roles name them */

        /* Below the server's URL, with the selector as the query. The caller's (g_free). */
        char *(*make_path)(const KubeTarget *target);

        /* Whether the object is one that was asked for: 1, 0 or a fault. */
        int (*belongs)(struct json_object *object, const KubeTarget *target, Fault *fault);

        /* Fault: DiscoveryUnavailable, for what no API server writes. */
        int (*read)(struct json_object *object, KubeReader *reader, Fault *fault);
} KubeSource;

extern const KubeSource kube_slices;
extern const KubeSource kube_endpoints;
extern const KubeSource kube_nodes;

/* For the three of them. Adds the entry, with the target's port, unless its hostname or address are none:
 * then a warning. What is no name of a zone or a node is left out of it. where: of which object, for the
 * warning.
 */
void kube_reader_add(KubeReader *reader, const char *where, const HostEntry *entry);
void kube_reader_warn(KubeReader *reader, const char *format, ...) _printf_(2, 3);

/* The name and a label of an object. */
int kube_object_name(struct json_object *object, const char **ret, Fault *fault);
int kube_object_label(struct json_object *object, const char *label, const char **ret, Fault *fault);
int kube_object_namespace(struct json_object *object, const char **ret, Fault *fault);
