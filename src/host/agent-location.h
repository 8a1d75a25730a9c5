/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An agent's place in the registry: claimed before its launch, put when it runs, dropped when it has ended.
 * One that is started again keeps it meanwhile. What the registry says of it is its property Location. */

#include "host.h"

/* Claims the id, unless it is ours already, and asks for the launch (agent_spawn()) then; at once where the
 * registry answers at once. While the registry cannot be asked the launch goes on without a claim. What goes
 * wrong leads to agent_launch_failed(), which may free the agent. */
void agent_claim_and_spawn(Agent *agent, bool takeover);

/* A launch that waits for its claim is given up. Returns whether there was one; the agent is as it was
 * before agent_claim_and_spawn(). */
bool agent_claim_withdraw(Agent *agent);

/* It runs here, or is to be started again here; repeats are fine. */
void agent_location_put(Agent *agent);

/* It does not any more. */
void agent_location_drop(Agent *agent);

/* The registry tells. On a conflict the agent may be stopped, and so freed (OnConflict=). */
void host_location_changed(
        Host *host, const char *id, LocationState state, const RegistryConflict *conflict);
