/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Source=kubernetes, endpoints, nodes: the hosts that an API server knows of. */

#include "discovery-backend.h"
#include "kube-config.h"
#include "kube-watch.h"

typedef struct Kube Kube;

/* What discovery_kube does, with another machine and other times: for tests. Nothing of it is kept but the
 * texts of environment, which are borrowed. */
Kube *kube_new(sd_event *event,
        const DiscoverySettings *settings,
        const KubeEnvironment *environment,
        const KubeWatchTimes *times,
        Discovery *discovery);
Kube *kube_free(Kube *kube);
