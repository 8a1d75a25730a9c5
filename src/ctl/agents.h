/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of agents, as ListAgents tells it, or ListFleetAgents, and the ids that a command line means. */

#include <glib.h>

#include "ctl.h"

typedef struct AgentRow {
        char *id, *guild, *name, *state, *object;
        uint32_t pid;
        bool alive;
        uint64_t created_at_usec;
        char *host; /* its address; NULL: this one */
} AgentRow;

/* Sorted by guild, then by id; guild NULL: all. EXIT_OK, or what to exit with after having told why. With
 * --fleet of all hosts; of those that do not answer it is told, and noted in Ctl. */
int agents_list(Ctl *ctl, const char *guild, GPtrArray **ret);

/* Those that are named, or those of --guild=; NULL-terminated. EXIT_USAGE, after having told what is wrong,
 * where there is both or neither; where "neither" is fine, *ret is NULL then. A guild without agents is
 * EXIT_NO_AGENT. */
int agents_meant(Ctl *ctl, char **arguments, bool may_be_none, char ***ret);
