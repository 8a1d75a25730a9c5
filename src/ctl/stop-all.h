/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A call of the Manager that stops all agents of the host at the same time, with progress: how many have
 * gone while the answer is awaited. Used by shutdown and drain. */

#include "ctl.h"

/* As ctl_call_manager(), without a limit. */
int stop_all(Ctl *ctl, const char *member, sd_bus_message **ret, const char *types, ...);
