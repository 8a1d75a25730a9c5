/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The objects of a watch, as hosts: by name, each with its entries. A list that is being read is kept apart
 * until it is whole, so that there is never a half of one. Used by kube.c. */

#include "host-list.h"
#include "kube-source.h"

/* What a server may make us keep. */
#define KUBE_OBJECTS_MAX 20000u
#define KUBE_ENTRIES_MAX 100000u

typedef struct KubeStore KubeStore;

/* source and target are borrowed. */
KubeStore *kube_store_new(const KubeSource *source, const KubeTarget *target);
KubeStore *kube_store_free(KubeStore *store);

/* A list begins, is whole, was given up. Objects that come in between are its own. */
void kube_store_begin(KubeStore *store);
void kube_store_commit(KubeStore *store);
void kube_store_abort(KubeStore *store);

/* Enters or replaces an object. What is left out of it is logged, once. One of another Service is left out
 * too. Fault: DiscoveryUnavailable. */
int kube_store_put(KubeStore *store, struct json_object *object, Fault *fault);
int kube_store_remove(KubeStore *store, struct json_object *object, Fault *fault);

/* A warning about what the server sends. */
void kube_store_say_once(KubeStore *store, const char *text);

HostList *kube_store_hosts(const KubeStore *store);
