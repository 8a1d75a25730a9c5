/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fleet-hosts.h"
#include "fleet-private.h"
#include "host-address.h"

Fleet *fleet_new(const FleetLocal *local, void *host)
{
        Fleet *fleet = g_new0(Fleet, 1);

        *fleet = (Fleet){ .local = local, .host = host };
        return fleet;
}

Fleet *fleet_free(Fleet *fleet)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!fleet)
                return NULL;

        fault_set(&fault, FAULT_FAILED,
                "agenthostd stops; what was asked for may be done or not, ask again when it is back");
        while (fleet->operations.head) {
                FleetOperation *operation = fleet->operations.head->data;

                operation->fail(operation, &fault);
        }
        g_free(fleet);
        return NULL;
}

void fleet_operation_begin(
        FleetOperation *operation, Fleet *fleet, void (*fail)(FleetOperation *operation, const Fault *fault))
{
        *operation = (FleetOperation){ .fleet = fleet, .link = { .data = operation }, .fail = fail };
        g_queue_push_tail_link(&fleet->operations, &operation->link);
}

void fleet_operation_end(FleetOperation *operation)
{
        g_queue_unlink(&operation->fleet->operations, &operation->link);
}

FleetView fleet_look(const Fleet *fleet)
{
        FleetView view;

        fleet->local->look(&view, fleet->host);
        return view;
}

static char *where_to_call(const DiscoveryHost *host)
{
        unsigned port = host_address_port(host->address);

        if (!*host->ip)
                return g_strdup(host->address);
        return strchr(host->ip, ':') ? g_strdup_printf("[%s]:%u", host->ip, port)
                                     : g_strdup_printf("%s:%u", host->ip, port);
}

FleetHost fleet_host_of(const FleetView *view, const DiscoveryHost *host)
{
        return (FleetHost){
                .address = g_strdup(host->address),
                .name = g_strdup(host->hostname),
                .dial = where_to_call(host),
                .is_self = host == fleet_self(view->discovery, view->hostname, view->address),
        };
}

FleetHost fleet_host_at(const FleetView *view, const char *address)
{
        g_autofree char *name = g_strndup(address, host_address_hostname_length(address));
        const DiscoveryHost *known = discovery_find(view->discovery, name);
        bool is_self = host_address_is_same_host(address, view->address);

        if (known && !is_self)
                return fleet_host_of(view, known);
        return (FleetHost){
                .address = g_strdup(address),
                .name = g_steal_pointer(&name),
                .dial = g_strdup(address),
                .is_self = is_self,
        };
}

void fleet_host_done(FleetHost *host)
{
        g_free(host->address);
        g_free(host->name);
        g_free(host->dial);
        *host = (FleetHost){ 0 };
}

PeerAddress fleet_host_peer(const FleetHost *host)
{
        return (PeerAddress){ .address = host->dial, .name = host->name };
}
