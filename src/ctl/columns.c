/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "columns.h"

#include <string.h>

#include "exit-code.h"
#include "log.h"

static const Column *find(const Column *all, size_t n_all, const char *name)
{
        for (size_t i = 0; i < n_all; i++)
                if (strcmp(all[i].name, name) == 0)
                        return &all[i];
        return NULL;
}

static int unknown_column(const Column *all, size_t n_all, const char *name)
{
        g_autoptr(GString) known = g_string_new(NULL);

        for (size_t i = 0; i < n_all; i++)
                g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", all[i].name);
        log_error("There is no column '%s'; there are: %s", name, known->str);
        return EXIT_USAGE;
}

int columns_choose(const Options *o, const Column *all, size_t n_all, Columns *ret)
{
        Columns c = { .n_chosen = 0 };

        for (size_t i = 0; !o->columns && i < n_all; i++)
                if (all[i].shown == COLUMN_SHOWN || (all[i].shown == COLUMN_OF_FLEET && o->fleet))
                        c.chosen[c.n_chosen++] = &all[i];
        for (char **name = o->columns; name && *name && c.n_chosen < COLUMNS_MAX; name++) {
                c.chosen[c.n_chosen] = find(all, n_all, *name);
                if (!c.chosen[c.n_chosen++])
                        return unknown_column(all, n_all, *name);
        }
        *ret = c;
        return EXIT_OK;
}

void columns_print(const Columns *c, const GPtrArray *rows, const char *noun, const Options *o)
{
        const TableColumn *shown[COLUMNS_MAX];
        _cleanup_(table_freep) Table *table = NULL;

        for (size_t i = 0; i < c->n_chosen; i++)
                shown[i] = &c->chosen[i]->table;
        table = table_new(shown, c->n_chosen);
        for (guint i = 0; i < rows->len; i++)
                for (size_t k = 0; k < c->n_chosen; k++) {
                        const Column *column = c->chosen[k];
                        g_autofree char *text = column->text(rows->pdata[i]);

                        table_add(
                                table, text, column->colour ? column->colour(rows->pdata[i]) : COLOUR_NONE);
                }

        table_print(table, stdout, o->full ? 0 : term_width(), !o->no_legend && rows->len > 0);
        if (!o->no_legend)
                printf("%s%u %s%s listed.\n", rows->len > 0 ? "\n" : "", rows->len, noun,
                        rows->len == 1 ? "" : "s");
}
