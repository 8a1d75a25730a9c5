/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which API server, and as whom: from the settings (Server=, KubeConfig=), from inside a Pod, from the files
 * of KUBECONFIG, from ~/.kube/config; the first of these that there is. Used by kube.c. */

#include <glib.h>

#include "discovery.h"

/* A PEM text, or the file that it stands in, which may be replaced; or neither. */
typedef struct KubePem {
        char *file;
        GBytes *data;
} KubePem;

typedef struct KubeConfig {
        char *server; /* a URL without a slash at its end */
        char *server_name; /* NULL: the URL's host */
        char *namespace; /* NULL: none is said */
        KubePem ca; /* neither: the system's authorities */
        KubePem cert;
        KubePem key;
        bool insecure;
        char *token; /* secret */
        char *token_file; /* wins over token */
        char *origin; /* where it was found, for users */
} KubeConfig;

void kube_config_done(KubeConfig *c);

/* What else of the machine counts; texts may be NULL. */
typedef struct KubeEnvironment {
        const char *service_host; /* KUBERNETES_SERVICE_HOST */
        const char *service_port; /* KUBERNETES_SERVICE_PORT */
        const char *kubeconfig; /* KUBECONFIG */
        const char *home; /* HOME */
        const char *service_account; /* folder of token, ca.crt and namespace in a Pod */
} KubeEnvironment;

#define KUBE_SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* That of this process. */
KubeEnvironment kube_environment(void);

/* Files that it names are not read yet, except for kubeconfigs, and the namespace in a Pod. Fault:
 * DiscoveryUnavailable, with what to do. */
int kube_config_find(const DiscoverySettings *settings,
        const KubeEnvironment *environment,
        KubeConfig *ret,
        Fault *fault);

/* How a file that holds a secret or a certificate is read: 1 MiB at most, no folder, no pipe. Fault:
 * DiscoveryUnavailable "WHAT PATH ...". size may be NULL. */
int kube_read_file(const char *what, const char *path, char **ret, size_t *ret_size, Fault *fault);
