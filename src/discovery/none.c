/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Source=none: this host is the only one. */

#include "discovery-backend.h"

static int none_start(sd_event *event,
        const DiscoverySettings *settings,
        Discovery *discovery,
        void **ret_backend,
        Fault *fault)
{
        (void)event;
        (void)settings;
        (void)fault;

        discovery_set_off(discovery);
        *ret_backend = NULL;
        return 0;
}

static void none_free(void *backend)
{
        (void)backend;
}

const DiscoveryOps discovery_none = { .start = none_start, .free = none_free };
