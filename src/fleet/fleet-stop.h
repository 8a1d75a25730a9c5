/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stops an agent wherever it is: here, or where the registry has it. */

#include "fleet.h"

typedef struct FleetStop FleetStop;

/* stopped: false if it was not there after all; then the registry was behind. */
typedef void (*FleetStopDone)(bool stopped, const Fault *fault, void *userdata);

/* timeout_usec: whole seconds; 0: the runtime's own. Faults, besides those of the host: NoSuchAgent,
 * RegistryUnavailable; PeerUnreachable: its host cannot be reached, or has not answered, and is there as far
 * as the registry knows. If it is not, the agent's place is removed from the registry, and stopped is false.
 * ret: as for fleet_run(). */
void fleet_stop(Fleet *fleet,
        const char *agent_id,
        uint64_t timeout_usec,
        FleetStopDone done,
        void *userdata,
        FleetStop **ret);

/* Nobody waits for it any more. What has been asked to stop stops. */
FleetStop *fleet_stop_free(FleetStop *stop);
