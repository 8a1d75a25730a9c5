/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that list something have in common: the columns that a user can choose from, --columns=,
 * the table with its titles, and how many rows there are. Used by verb-list.c, verb-fleet.c,
 * verb-runtimes.c. */

#include <glib.h>

#include "options.h"
#include "table.h"

#define COLUMNS_MAX 32u

/* When no columns are asked for. */
typedef enum ColumnShown {
        COLUMN_ON_REQUEST,
        COLUMN_SHOWN,
        COLUMN_OF_FLEET, /* with --fleet */
} ColumnShown;

/* A row is of whatever type the verb has. */
typedef struct Column {
        const char *name; /* for --columns= */
        TableColumn table;
        char *(*text)(const void *row); /* g_free() */
        ColumnShown shown;
        Colour (*colour)(const void *row); /* NULL: none */
} Column;

typedef struct Columns {
        const Column *chosen[COLUMNS_MAX];
        size_t n_chosen;
} Columns;

/* Those of --columns=, else those that are shown by default. EXIT_USAGE: there is no such column (told). */
int columns_choose(const Options *options, const Column *all, size_t n_all, Columns *ret);

/* noun: "agent", of one. */
void columns_print(const Columns *columns, const GPtrArray *rows, const char *noun, const Options *options);
