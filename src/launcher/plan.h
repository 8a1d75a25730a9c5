/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan that the executor is given (proto/executor.h): the runtime's words with the agent's names filled
 * in. */

#include <sys/resource.h>

#include "fault.h"
#include "proto/paths.h"
#include "runtime.h"

typedef struct PlanInput {
        const Paths *paths;
        const Runtime *runtime;
        const char *unit;
        const char *agent_id;
        const char *guild_id;
        int32_t machine_id;
        const char *client_type;
        char *const *environment; /* the caller's, checked */
        bool journal;
        const struct rlimit *nofile; /* the limit of open files where the runtime sets none */
} PlanInput;

/* The directory with the texts of an agent. 0 or -ENOMEM. */
int plan_credentials_path(const Paths *paths, const char *unit, char **ret);

/* The text, whose entries end in NUL each. Fault: StartFailed for an unknown specifier. */
int plan_build(const PlanInput *input, char **ret, size_t *ret_size, Fault *fault);
