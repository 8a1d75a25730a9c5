/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Becoming the user. */

#include "account.h"

/* HOME, USER, LOGNAME and SHELL, unless the plan's environment has them. */
void identity_add_environment(const Account *account, Plan *plan);

void identity_apply(const Account *account);
