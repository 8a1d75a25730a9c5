/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan as the executor uses it, read from the launcher's request (proto/executor.h). */

#include <sys/resource.h>
#include <sys/types.h>

#include "macros.h"

typedef struct PlanLimit {
        bool set;
        struct rlimit value;
} PlanLimit;

typedef struct Plan {
        const char *unit;
        const char *ident;
        const char *user; /* NULL: stay who we are */
        const char *group; /* NULL: the user's */
        const char **supplementary_groups; /* NULL-terminated, as the next two */
        const char **environment; /* with room for PLAN_ENVIRONMENT_SPARE more */
        const char **arguments;
        size_t n_environment;
        const char *working_directory;
        const char *credentials; /* NULL: none */
        mode_t umask;
        PlanLimit limits[RLIM_NLIMITS];
        bool no_new_privileges;
        bool journal;
        char journal_stream[64]; /* room for a variable */
} Plan;

/* HOME, USER, LOGNAME, SHELL, JOURNAL_STREAM. */
#define PLAN_ENVIRONMENT_SPARE 5u

/* -EBADMSG for a text that is no plan, with the offending entry in *ret_wrong (NULL when the whole is
 * wrong). The plan borrows the text. */
int plan_parse(const char *text, size_t size, Plan *ret, const char **ret_wrong);

/* Whether the environment has a variable of this name, the first length bytes of name. */
bool plan_has_variable(const Plan *plan, const char *name, size_t length);

/* Adds "NAME=value", which is borrowed. At most PLAN_ENVIRONMENT_SPARE times. */
void plan_add_variable(Plan *plan, const char *assignment);

/* Releases what is the plan's own. */
void plan_done(Plan *plan);
