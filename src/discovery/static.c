/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Source=static: the hosts of Peers=, always ready. */

#include <arpa/inet.h>
#include <string.h>

#include "discovery-backend.h"
#include "host-address.h"

static HostFamily family_of(const char *ip)
{
        unsigned char ignored[sizeof(struct in6_addr)];

        if (inet_pton(AF_INET, ip, ignored) == 1)
                return HOST_FAMILY_IPV4;
        return inet_pton(AF_INET6, ip, ignored) == 1 ? HOST_FAMILY_IPV6 : HOST_FAMILY_NAME;
}

static int add_peer(HostEntries *entries, const char *peer, Fault *fault)
{
        g_autofree char *hostname = NULL, *ip = NULL;
        HostEntry entry = { .ready = true, .serving = true };
        size_t n;
        int r;

        r = host_address_check(peer, fault);
        if (r < 0)
                return r;

        n = host_address_hostname_length(peer);
        hostname = g_strndup(peer, n);
        ip = hostname[0] == '[' ? g_strndup(hostname + 1, n - 2) : g_strdup(hostname);
        entry.hostname = hostname;
        entry.family = family_of(ip);
        entry.ip = entry.family == HOST_FAMILY_NAME ? NULL : ip;
        entry.port = host_address_port(peer);
        host_entries_add(entries, &entry);
        return 0;
}

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
                int r = add_peer(entries, *peer, fault);

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
