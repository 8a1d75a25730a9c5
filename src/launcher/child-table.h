/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All agents by unit name. Owns them. */

#include "child.h"

typedef struct ChildTable {
        void *root; /* of a tree of tsearch(3) */
        size_t n;
} ChildTable;

/* As many as agenthostd could hold a descriptor of. Those whose ends are not acknowledged count too: whoever
 * asks for agents must not be able to fill our memory. */
#define CHILD_TABLE_MAX 65536u

/* Takes the child over on success. -EEXIST, -ENOMEM, -ENOBUFS when there are CHILD_TABLE_MAX. */
int child_table_add(ChildTable *table, Child *child);

Child *child_table_find(const ChildTable *table, const char *unit);

/* Takes it out and frees it. */
void child_table_drop(ChildTable *table, Child *child);

/* All children in the order of their names, in an array that is the caller's: unlike the table it may be
 * walked while children go. */
int child_table_list(const ChildTable *table, Child ***ret, size_t *ret_n);

/* At most max of those that have a process, with units above after. */
int child_table_page(const ChildTable *table, const char *after, size_t max, Child ***ret, size_t *ret_n);

void child_table_done(ChildTable *table);
