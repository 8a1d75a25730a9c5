/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts an agent on the host whose turn it is. Hosts are asked one after the other, each once: the next one
 * only if it is certain that nothing came of the one before, as it could not be reached or has refused
 * (LimitReached, Draining). An answer that is lost ends it: the agent may run there. */

#include "fleet.h"

typedef struct FleetRun FleetRun;

/* Of host_address and fault, one is NULL. What is told is the callback's for its time. */
typedef void (*FleetRunDone)(const char *host_address, const Fault *fault, void *userdata);

typedef struct FleetRunRequest {
        const char *agent_id; /* of create.agent_spec */
        PeerCreate *create; /* taken over: {0} then */
        PlacementStrategy strategy;
        const char *host; /* "NAME" or "NAME:PORT": this one and no other; NULL: whose turn it is */
} FleetRunRequest;

/* Faults, besides those of the hosts: InvalidArgs: there is no such host; NoHosts, DiscoveryUnavailable; PeerUnreachable: an answer is lost, or
 * no host could be reached. A request_id that has been used before leads to the host that has that agent.
 * ret: NULL before, left alone by what is answered before this returns, NULL again before done runs. */
void fleet_run(
        Fleet *fleet, const FleetRunRequest *request, FleetRunDone done, void *userdata, FleetRun **ret);

/* Nobody wants it any more: the host that is being asked hears of that, too. */
FleetRun *fleet_run_free(FleetRun *run);
