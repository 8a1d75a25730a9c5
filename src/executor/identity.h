/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who the agent is to be: names looked up, which may take time (NSS), so it is done before the gate opens. Not
 * being able to is reported from here. */

#include "plan.h"

typedef struct Identity {
        bool set; /* else: stay who we are */
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        size_t n_groups;
} Identity;

/* Also adds HOME, USER, LOGNAME and SHELL to the plan's environment, unless it has them. */
Identity identity_resolve(Plan *plan);

void identity_apply(const Identity *identity);
