/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The agents of all hosts that discovery knows, and of this one. Hosts are asked at the same time, so many
 * at once; one that does not answer is named, and the others' agents are told all the same. */

#include "fleet.h"

typedef struct FleetList FleetList;

/* What one host has said. */
typedef struct FleetListed {
        const char *host_address;
        const PeerAgent *agents;
        size_t n_agents;
        const char *failure; /* why it has not; NULL: it has */
} FleetListed;

/* Of listed and fault, one is NULL. What is told is the callback's for its time. */
typedef void (*FleetListDone)(const FleetListed *listed, size_t n, const Fault *fault, void *userdata);

/* guild_id "": all. Fault: DiscoveryUnavailable. ret: as for fleet_run(). */
void fleet_list(Fleet *fleet, const char *guild_id, FleetListDone done, void *userdata, FleetList **ret);
FleetList *fleet_list_free(FleetList *list);
