/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading systemd's signals. All give 1 for one that concerns an agent's scope, 0 for any other; malformed
 * ones are logged and then like any other. Texts are borrowed from the message but where said. Used by
 * manager.c. */

#include <systemd/sd-bus.h>

#include "macros.h"

int manager_signal_unit_removed(sd_bus_message *message, const char **ret_unit);
int manager_signal_job_new(sd_bus_message *message, const char **ret_unit, uint32_t *ret_job);
int manager_signal_job_removed(
        sd_bus_message *message, const char **ret_unit, uint32_t *ret_job, const char **ret_result);

/* A PropertiesChanged that has a Result of interface Scope other than success; *ret_unit is the caller's. */
int manager_signal_scope_failed(sd_bus_message *message, char **ret_unit, const char **ret_result);

/* Logs; returns 0. */
int manager_signal_malformed(sd_bus_message *message, int error);
