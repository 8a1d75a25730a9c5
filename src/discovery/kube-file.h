/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* kubeconfig files: what kubectl reads, as kubectl reads it. Used by kube-config.c. */

#include "kube-config.h"

/* paths: several are merged; the first that has a cluster, user or context of a name, or a current context,
 * is the one that counts. Those that do not exist are left out; -ENOENT, without a fault, if none does.
 * Faults: DiscoveryUnavailable; what only a person or another program could answer (exec, auth-provider,
 * passwords) is refused with TokenFile= as the way out. has_token: there is one already, so who the user is
 * and what he has does not matter. */
int kube_files_load(char *const *paths, bool has_token, KubeConfig *ret, Fault *fault);
