/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes in their control groups, drawn as systemctl status does. Fed with what systemd's
 * GetUnitProcesses tells. Used by status. */

#include "macros.h"

typedef struct ProcessTree ProcessTree;

/* root: the control group that is drawn, "/agents.slice/...". */
ProcessTree *process_tree_new(const char *root);
ProcessTree *process_tree_free(ProcessTree *tree);
static inline void process_tree_freep(ProcessTree **tree)
{
        process_tree_free(*tree);
}

/* A process in the root or below it; others are left out. */
void process_tree_add(ProcessTree *tree, const char *cgroup, uint32_t pid, const char *command);

bool process_tree_is_empty(const ProcessTree *tree);

/* Every line begins with the prefix. width as in table.h. */
void process_tree_print(const ProcessTree *tree, FILE *out, const char *prefix, unsigned width);
