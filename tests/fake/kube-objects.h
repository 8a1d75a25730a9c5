/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a FakeKube keeps: objects of collections, and what has happened to them, by version. Not locked. */

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct KubeObjects KubeObjects;

KubeObjects *kube_objects_new(void);
void kube_objects_free(KubeObjects *o);

uint64_t kube_objects_version(const KubeObjects *o);

/* The oldest version that a watch may begin from. */
uint64_t kube_objects_oldest(const KubeObjects *o);
void kube_objects_forget(KubeObjects *o);

/* object: with its kind and apiVersion or without; taken over. */
void kube_objects_put(KubeObjects *o, const char *collection, struct json_object *object);
void kube_objects_remove(KubeObjects *o, const char *collection, const char *name);

/* What of a collection is asked for: "labelSelector=..." and "fieldSelector=...", decoded. Equality, and
 * the name, are all it knows; several with commas. */
typedef struct KubeSelector {
        const char *label;
        const char *field;
} KubeSelector;

/* A page of a list: at most limit (0: all) objects after the name after ("": from the first). ret_last: the
 * name of its last object if there are more; NULL else; the caller's. The reply, without the end of its
 * line. */
char *kube_objects_list(KubeObjects *o,
        const char *collection,
        const KubeSelector *selector,
        unsigned limit,
        const char *after,
        uint64_t version,
        char **ret_last);

/* Events after a version, as lines; updates it. NULL for none. */
char *kube_objects_events(
        KubeObjects *o, const char *collection, const KubeSelector *selector, uint64_t *version);

/* "EndpointSlice", "discovery.k8s.io/v1" of a collection. */
void kube_objects_kind(const char *collection, const char **ret_kind, const char **ret_api_version);
