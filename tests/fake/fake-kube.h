/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kube-apiserver for tests, over TLS. It keeps objects and lists, pages and watches them as the real one
 * does, with its headers and its framing; and it does what it is told to: the next replies can be laid down
 * to the byte (recorded ones of the real server, usually), and broken in every way.
 *
 * Objects are JSON texts of a collection: "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices". They
 * get their resourceVersion here. */

#include "fake-http.h"
#include "pki.h"
#include "recorded.h"

typedef struct FakeKube FakeKube;

FakeKube *fake_kube_new(void);
void fake_kube_free(FakeKube *k);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeKube, fake_kube_free)

/* "https://127.0.0.1:PORT". */
const char *fake_kube_url(const FakeKube *k);
Pki *fake_kube_pki(FakeKube *k);

/* The process ends and comes back: connections are refused meanwhile. Objects are kept. */
void fake_kube_stop(FakeKube *k);
void fake_kube_start(FakeKube *k);

/* With another certificate from now on. */
void fake_kube_restart_with(FakeKube *k, const PkiCert *cert);

/* --- who is let in --- */

/* Only this token from now on, beside clients with a certificate of our authority. Else 401; 403 for those
 * who show nothing. Until then it is FAKE_KUBE_TOKEN. */
#define FAKE_KUBE_TOKEN "reader-token-0123456789abcdef"
void fake_kube_set_token(FakeKube *k, const char *token);

/* --- what it has --- */

/* Adds or replaces, by metadata.name. */
void fake_kube_put(FakeKube *k, const char *collection, const char *object);
void fake_kube_remove(FakeKube *k, const char *collection, const char *name);

/* All items of a list, as recorded. */
void fake_kube_put_list(FakeKube *k, const char *collection, const char *list);

/* What came before is forgotten: continue tokens and watches of older versions are too old. */
void fake_kube_forget_history(FakeKube *k);

/* All watches get one now. */
void fake_kube_bookmark(FakeKube *k);

/* Ends all watches as timeoutSeconds does. */
void fake_kube_end_watches(FakeKube *k);

/* Bookmarks come each so often; 60 s until then. */
void fake_kube_set_bookmarks(FakeKube *k, unsigned msec);

/* How many watches there are now. */
unsigned fake_kube_count_watches(FakeKube *k);

/* --- the next replies --- */

typedef enum FakeEnd {
        FAKE_END_KEEP, /* the connection stays, as the real server does */
        FAKE_END_CLOSE,
        FAKE_END_RESET,
        FAKE_END_HANG, /* nothing more comes */
} FakeEnd;

typedef struct FakeReply {
        const char *data; /* all bytes of the reply */
        gsize size;
        gsize piece; /* sent so many at a time; 0: at once */
        unsigned pause_msec; /* between pieces */
        FakeEnd end;
} FakeReply;

/* Copied; for the next request for a list (a watch), before what is laid down later. */
void fake_kube_next_list(FakeKube *k, const FakeReply *reply);
void fake_kube_next_watch(FakeKube *k, const FakeReply *reply);

/* The same with a recorded reply. */
void fake_kube_next_list_recorded(FakeKube *k, const char *name);
void fake_kube_next_watch_recorded(FakeKube *k, const char *name);

/* A reply of this status and body, as the real server frames it. The caller's. */
char *fake_kube_make_reply(const char *status, const char *headers, const char *body);

/* --- what it was asked --- */

unsigned fake_kube_count_lists(FakeKube *k);
unsigned fake_kube_count_asked_watches(FakeKube *k);

/* The last request: "TARGET\nserver-name: NAME\nheader: value...". The caller's; NULL for none. */
char *fake_kube_last_list(FakeKube *k);
char *fake_kube_last_watch(FakeKube *k);
unsigned fake_kube_count_connections(FakeKube *k);
