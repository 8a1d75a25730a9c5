/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Source=static: the hosts of Peers=, always ready. */

#include "discovery-backend.h"

static int static_start(sd_event *event,
        const DiscoverySettings *settings,
        Discovery *discovery,
        void **ret_backend,
        Fault *fault)
{
        _cleanup_(host_entries_freep) HostEntries *entries = host_entries_new();
        g_autoptr(GPtrArray) sets = g_ptr_array_new();

        (void)event;

        for (char **peer = settings->peers; peer && *peer; peer++) {
                int r = host_entries_add_address(entries, *peer, fault);

                if (r < 0)
                        return r;
        }

        g_ptr_array_add(sets, entries);
        discovery_set_hosts(discovery, host_list_new(sets));
        discovery_set_ok(discovery);
        *ret_backend = NULL;
        return 0;
}

static void static_free(void *backend)
{
        (void)backend;
}

const DiscoveryOps discovery_static = { .start = static_start, .free = static_free };
