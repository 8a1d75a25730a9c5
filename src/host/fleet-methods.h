/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Methods of the Manager that need other hosts: RunAgent, StopAgentAnywhere, ListFleetAgents. Registered by
 * manager-bus.c. */

#include "host.h"

/* What ListFleetAgents tells of an agent, which is what ListAgents does and its host's address, and of a
 * host that has not answered: its address, and why. */
#define FLEET_AGENT_TYPE "(sssubtsos)"
#define FLEET_MISSING_TYPE "(ss)"

int host_method_run_agent(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_stop_agent_anywhere(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_list_fleet_agents(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* The bus is away: nobody is there any more who waits. */
void host_fleet_calls_drop(Host *host);
