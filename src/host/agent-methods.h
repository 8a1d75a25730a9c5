/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods Restart, Freeze and Thaw of org.agenthost.Host1.Agent, for the table in agent-bus.c. userdata
 * is the Agent. */

#include <systemd/sd-bus.h>

int agent_method_restart(sd_bus_message *m, void *userdata, sd_bus_error *error);
int agent_method_freeze(sd_bus_message *m, void *userdata, sd_bus_error *error);
int agent_method_thaw(sd_bus_message *m, void *userdata, sd_bus_error *error);
