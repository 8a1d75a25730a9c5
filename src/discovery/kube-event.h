/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an API server says: pages of lists, events of watches, and Status objects that tell of errors. Used
 * by kube-watch.c. */

#include <glib.h>

#include "fault.h"
#include "json-check.h"

/* Deeper than anything the API has, managedFields included. */
#define KUBE_DEPTH_MAX 64

/* A page, and an object, are held to that; etcd keeps no more than 1.5 MiB for an object. */
#define KUBE_PAGE_MAX (16u * 1024u * 1024u)
#define KUBE_EVENT_MAX (4u * 1024u * 1024u)
#define KUBE_ERROR_MAX (64u * 1024u)

/* More than a version or a continue token has. */
#define KUBE_TOKEN_MAX 8192u

typedef enum KubeEventType {
        KUBE_EVENT_ADDED,
        KUBE_EVENT_MODIFIED,
        KUBE_EVENT_DELETED,
        KUBE_EVENT_BOOKMARK,
        KUBE_EVENT_ERROR,
        KUBE_EVENT_UNKNOWN,
} KubeEventType;

typedef struct KubeEvent {
        KubeEventType type;
        struct json_object *object; /* of json */
        const char *version; /* its resourceVersion; NULL with an error */
        struct json_object *json; /* owned */
} KubeEvent;

/* Fault: DiscoveryUnavailable. */
int kube_event_parse(const char *line, size_t size, KubeEvent *ret, Fault *fault);
void kube_event_done(KubeEvent *e);

typedef struct KubePage {
        struct json_object *items; /* of json; NULL: none */
        const char *version;
        const char *next; /* the continue token; NULL: it is the last page */
        struct json_object *json; /* owned */
} KubePage;

/* Fault: DiscoveryUnavailable. */
int kube_page_parse(const char *text, size_t size, KubePage *ret, Fault *fault);
void kube_page_done(KubePage *p);

/* Why a request was refused. */
typedef struct KubeStatus {
        unsigned code;
        char *text; /* for users; owned */
} KubeStatus;

/* Of the body of an error, which is a Status or, at times, plain text; of http_status if that has no code.
 */
void kube_status_parse(unsigned http_status, const char *body, size_t size, KubeStatus *ret);
void kube_status_from_object(struct json_object *status, KubeStatus *ret);
void kube_status_done(KubeStatus *s);

/* A server's own words, as they may stand in a line of the journal. The caller's (g_free). */
char *kube_show(const char *text, size_t size);

/* -1, 0, 1 as a is older, the same, newer; 0 too for what cannot be compared. */
int kube_version_compare(const char *a, const char *b);
