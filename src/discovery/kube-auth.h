/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What requests to an API server carry to be let in: token, certificates. Files are read again when they
 * have been replaced, as those in Pods are all the time. Used by kube-request.c. */

#include "http-client.h"
#include "kube-config.h"

typedef struct KubeAuth KubeAuth;

/* config is borrowed. Nothing is read yet. */
KubeAuth *kube_auth_new(const KubeConfig *config);
KubeAuth *kube_auth_free(KubeAuth *auth);

/* The server has refused what we have: all files are read again at the next kube_auth_get(). */
void kube_auth_refused(KubeAuth *auth);

/* What to send now; valid until the next call. ret_header: "Authorization: ...", NULL for none. A file that
 * cannot be read any more counts as it was. Fault: DiscoveryUnavailable. */
int kube_auth_get(KubeAuth *auth, HttpTls *ret_tls, const char **ret_header, Fault *fault);
