/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of org.agenthost.Host1.Manager that ask the registry, for the table in manager-bus.c. userdata
 * is the Host. */

#include <systemd/sd-bus.h>

int host_method_get_location(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_is_agent_running(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_get_host_load(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_get_host_agents(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_cleanup_dead_agents(sd_bus_message *m, void *userdata, sd_bus_error *error);
