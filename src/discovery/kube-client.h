/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests to one API server, as one user: URL, credentials, limits. Used by kube-watch.c. */

#include "http-client.h"
#include "kube-config.h"

typedef struct KubeClient KubeClient;

/* config is taken over, and empty afterwards. */
int kube_client_new(sd_event *event, KubeConfig *config, KubeClient **ret);
KubeClient *kube_client_free(KubeClient *client);
static inline void kube_client_freep(KubeClient **client)
{
        kube_client_free(*client);
}

const KubeConfig *kube_client_config(const KubeClient *client);

typedef struct KubeRequest {
        const char *path; /* with its query */
        bool gzip;
        size_t reply_max; /* 0: no limit */
        uint64_t total_usec;
} KubeRequest;

/* GET. As http_request_start(), with the faults of kube_auth_get() too. */
int kube_client_get(KubeClient *client,
        const KubeRequest *request,
        const HttpHandlers *handlers,
        void *userdata,
        HttpRequest **ret_request,
        Fault *fault);

/* 401: files with credentials are read again for the next request. */
void kube_client_refused(KubeClient *client);
