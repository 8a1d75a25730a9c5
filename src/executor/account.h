/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the user database says of the user that an agent runs as. A lookup that goes through all modules of
 * NSS costs as much as the rest of a launch, and may block: it is the worker's, not the launcher's, and what
 * was found serves for as long as it counts as fresh. */

#include "plan.h"
#include "proto/executor.h"

/* The kernel's NGROUPS_MAX. */
#define ACCOUNT_GROUPS_MAX 65536u

/* How late a change in the user database may be seen. */
#define ACCOUNT_FRESH_USEC (2 * USEC_PER_SEC)

/* HOME=, USER=, LOGNAME=, SHELL= */
#define ACCOUNT_VARIABLES 4u

typedef struct Account {
        char key[1024]; /* what was looked up: user, group, supplementary groups */
        uint64_t looked_up_usec; /* CLOCK_MONOTONIC */
        uid_t uid;
        gid_t gid;
        char variables[ACCOUNT_VARIABLES][1024]; /* NAME=value; "" for one that is not known */
        uint32_t n_groups; /* with the user's own and the supplementary ones */
        gid_t groups[ACCOUNT_GROUPS_MAX];
} Account;

/* Looks up the plan's user and groups. *ret is valid until the next call. On failure, the report says why.
 */
int account_get(const Plan *plan, const Account **ret, ExecutorReport *ret_report);
