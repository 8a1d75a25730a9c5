/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What comes before a launch begins: the request is checked, the plan made. */

#include "launch.h"

/* A child of which nobody knows yet, and its plan, which is the caller's. Fault: InvalidArgs, NoSuchRuntime,
 * AgentExists, AccessDenied, StartFailed. */
int launch_prepare(Launcher *launcher,
        const SpawnRequest *request,
        sd_bus_message *call, /* the Spawn */
        Child **ret,
        char **ret_plan,
        size_t *ret_plan_size,
        Fault *fault);
