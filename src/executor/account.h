/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the user database says of the user that an agent runs as. A lookup that goes through all modules of
 * NSS costs as much as the rest of a launch, and may block, so it is left to the template's children; what
 * they find goes back to the template, whose next children have it from birth, for as long as it counts as
 * fresh. */

#include "plan.h"

/* The kernel's NGROUPS_MAX. */
#define ACCOUNT_GROUPS_MAX 65536u

/* How late a change in the user database may be seen. */
#define ACCOUNT_FRESH_USEC (2 * USEC_PER_SEC)

typedef struct Account {
        char key[1024]; /* what was looked up: user, group, supplementary groups */
        uint64_t looked_up_usec; /* CLOCK_MONOTONIC */
        uid_t uid;
        gid_t gid;
        char name[256]; /* "": a number without a name */
        char home[1024];
        char shell[1024];
        uint32_t n_groups; /* with the user's own and the supplementary ones */
        gid_t groups[ACCOUNT_GROUPS_MAX];
} Account;

/* Looks up the plan's user and groups, or reports why not. */
const Account *account_get(const Plan *plan);

/* The template's part: once before the first child, then before each. */
int account_cache_open(void);
void account_cache_update(void);
