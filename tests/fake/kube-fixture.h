/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A discovery on a FakeKube, with its settings, files and loop: what tests of discovery/kube.c begin from.
 */

#include "discovery.h"
#include "fake-kube.h"
#include "loop.h"

#define KUBE_SLICES "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices"
#define KUBE_ENDPOINTS "/api/v1/namespaces/demo/endpoints"
#define KUBE_NODES "/api/v1/nodes"

typedef struct KubeFixture {
        sd_event *event;
        FakeKube *kube;
        char *dir; /* of the files */
        char *token_file;
        DiscoverySettings
                settings; /* Server=, TokenFile=, CaFile=, Namespace=demo; to be changed before start */
        Discovery *discovery;
        unsigned n_changed;
} KubeFixture;

void kube_fixture_set_up(KubeFixture *f, gconstpointer data);
void kube_fixture_tear_down(KubeFixture *f, gconstpointer data);

void kube_fixture_start(KubeFixture *f);

/* Writes a file of the directory, atomically as kubelet does. */
void kube_fixture_write(KubeFixture *f, const char *name, const char *text);

/* An EndpointSlice of the service: hosts is "name=ip" with a space between; "-name=ip" is not ready. The
 * caller's. */
char *kube_slice(const char *name, const char *service, const char *hosts);
void kube_fixture_put_slice(KubeFixture *f, const char *name, const char *hosts);

/* Until the list is this: hostnames with a space between, "-" before those not ready. */
void kube_fixture_until_hosts(KubeFixture *f, const char *hosts);
void kube_fixture_expect_hosts(KubeFixture *f, const char *hosts);

/* Until it is in this state, and the reason has these words. NULL: any. */
void kube_fixture_until_state(KubeFixture *f, DiscoveryState state, const char *words);

/* Until as many have been asked for since it began. */
void kube_fixture_until_lists(KubeFixture *f, unsigned n);
void kube_fixture_until_watches(KubeFixture *f, unsigned n);

/* Until one is being served by the fake's own store. */
void kube_fixture_until_watching(KubeFixture *f);

/* The next reply to a list, a watch: all its bytes. */
void kube_fixture_lay_list(KubeFixture *f, const char *text, FakeEnd end);
void kube_fixture_lay_watch(KubeFixture *f, const char *text, FakeEnd end);

/* A watch of these lines, which the server then ends in this way. */
void kube_fixture_lay_stream(KubeFixture *f, const char *lines, bool last_chunk, FakeEnd end);

/* Host "a" is known, and watched. */
void kube_fixture_begin(KubeFixture *f);

/* From there: host "b" comes, and is seen. */
void kube_fixture_expect_well(KubeFixture *f);
