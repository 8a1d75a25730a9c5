/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The four texts of the agent as files, written while still root and before the gate opens. The launcher
 * removes them when the agent has ended. */

#include "account.h"
#include "plan.h"

/* account: whose they are, NULL to leave them ours. */
void credentials_write(const Plan *plan, const Account *account);
