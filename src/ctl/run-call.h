/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The call that starts an agent, with what the command line says. Used by run. */

#include "ctl.h"
#include "run-spec.h"

/* placed: RunAgent, which chooses a host; else CreateAgent. client_properties: NULL for none. */
int run_call_new(
        Ctl *ctl, const RunSpec *spec, const char *client_properties, bool placed, sd_bus_message **ret);
