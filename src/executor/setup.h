/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes a process an agent: what they all share, set up once by the worker, and what differs, between
 * the open gate and the agent's first instruction. */

#include "account.h"
#include "plan.h"

/* For the calling process and its children: standard descriptors, OOM score, signals. */
int setup_for_all(void);

/* account: NULL to stay who we are. stream: as output_open() returned it. Executes the agent, or reports why
 * not. */
_Noreturn void setup_and_execute(Plan *plan, const Account *account, int stream);
