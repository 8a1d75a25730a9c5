/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Methods of the Manager that begin and end draining. For manager-bus.c. */

#include <systemd/sd-bus.h>

int host_method_drain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int host_method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error);
