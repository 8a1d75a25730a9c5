/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything between the open gate and the agent's first instruction. */

#include "identity.h"
#include "plan.h"

/* Executes the agent, or reports why not. */
_Noreturn void setup_and_execute(Plan *plan, const Identity *identity);
