/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of org.agenthost.Host1.Manager about hosts and the choice between them, for the table in
 * manager-bus.c. userdata is the Host. */

#include <systemd/sd-bus.h>

int host_method_select_host(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_list_hosts(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_get_host_statuses(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_reset_placement_counter(sd_bus_message *m, void *userdata, sd_bus_error *error);
