/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-hosts.h"

#include <string.h>

int fleet_hosts(const Discovery *discovery, const DiscoveryHost **ret_hosts, size_t *ret_n, Fault *fault)
{
        const char *reason;

        if (discovery_state(discovery, &reason) == DISCOVERY_DOWN)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "Failed to discover agent hosts: %s",
                        reason ? reason : "their source has not answered yet; try again");

        *ret_hosts = discovery_hosts(discovery, ret_n);
        return 0;
}

const DiscoveryHost *fleet_self(const Discovery *discovery, const char *hostname, const char *address)
{
        const DiscoveryHost *named = discovery_find(discovery, hostname), *hosts;
        size_t n;

        if (named)
                return named;
        hosts = discovery_hosts(discovery, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(hosts[i].address, address) == 0)
                        return &hosts[i];
        return NULL;
}
