/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables of text that fit the terminal: columns that may be cut are, the widest first, of all others the
 * titles. Where there is no terminal nothing is cut. Used by columns.c. */

#include "macros.h"
#include "term.h"

typedef struct TableColumn {
        const char *title;
        bool right; /* numbers */
        unsigned min; /* columns of the terminal that it keeps; 0: its cells are never cut */
} TableColumn;

typedef struct Table Table;

/* The columns are borrowed, in their order; NULL is none. */
Table *table_new(const TableColumn *const *columns, size_t n_columns);
Table *table_free(Table *table);
static inline void table_freep(Table **table)
{
        table_free(*table);
}

/* The next cell, row by row. Takes any text: it is cleaned. */
void table_add(Table *table, const char *text, Colour colour);

/* width: of the terminal, 0 for no limit. titles: the first line. */
void table_print(const Table *table, FILE *out, unsigned width, bool titles);
