/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the operations of the fleet share. Not for others. */

#include "fleet.h"

struct Fleet {
        const FleetLocal *local;
        void *host;
        GQueue operations;
};

/* First member of every operation. */
typedef struct FleetOperation FleetOperation;
struct FleetOperation {
        Fleet *fleet;
        GList link; /* of Fleet.operations */
        void (*fail)(FleetOperation *operation, const Fault *fault); /* answers; it is gone then */
};

void fleet_operation_begin(FleetOperation *operation,
        Fleet *fleet,
        void (*fail)(FleetOperation *operation, const Fault *fault));
void fleet_operation_end(FleetOperation *operation);

FleetView fleet_look(const Fleet *fleet);

/* A host, as it is to be asked. */
typedef struct FleetHost {
        char *address; /* "name:port" */
        char *name;
        char *dial; /* where it is called, "ip:port" where the ip is known */
        bool is_self;
} FleetHost;

/* As discovery has it. */
FleetHost fleet_host_of(const FleetView *view, const DiscoveryHost *host);

/* As the registry has it: by what discovery knows of that host, else by its name. */
FleetHost fleet_host_at(const FleetView *view, const char *address);

void fleet_host_done(FleetHost *host);
PeerAddress fleet_host_peer(const FleetHost *host);
