/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <glib.h>
#include <string.h>

#include "text.h"

#define GAP 1u

typedef struct Cell {
        char *text;
        unsigned width;
        Colour colour;
} Cell;

struct Table {
        const TableColumn *const *columns;
        size_t n_columns;
        GArray *cells; /* Cell, row by row */
};

static void cell_clear(gpointer cell)
{
        g_free(((Cell *)cell)->text);
}

Table *table_new(const TableColumn *const *columns, size_t n_columns)
{
        Table *t = g_new0(Table, 1);

        *t = (Table){
                .columns = columns,
                .n_columns = n_columns,
                .cells = g_array_new(false, false, sizeof(Cell)),
        };
        g_array_set_clear_func(t->cells, cell_clear);
        return t;
}

Table *table_free(Table *t)
{
        if (!t)
                return NULL;

        g_array_unref(t->cells);
        g_free(t);
        return NULL;
}

void table_add(Table *t, const char *text, Colour colour)
{
        Cell cell = { .text = text_clean(text, strlen(text), false), .colour = colour };

        cell.width = text_width(cell.text);
        g_array_append_val(t->cells, cell);
}

static unsigned *natural_widths(const Table *t, bool titles)
{
        unsigned *widths = g_new0(unsigned, t->n_columns);

        for (size_t i = 0; titles && i < t->n_columns; i++)
                widths[i] = text_width(t->columns[i]->title);
        for (guint i = 0; i < t->cells->len; i++) {
                unsigned w = g_array_index(t->cells, Cell, i).width;

                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], w);
        }
        return widths;
}

/* A number or a word that is cut is another one; under a title that is, it still says what it says. */
static unsigned *least_widths(const Table *t)
{
        unsigned *widths = natural_widths(t, false);

        for (size_t i = 0; i < t->n_columns; i++)
                if (t->columns[i]->min > 0)
                        widths[i] = t->columns[i]->min;
        return widths;
}

/* Of those that may become narrower still, the widest; -1: none. */
static ssize_t find_widest(size_t n, const unsigned *widths, const unsigned *least)
{
        ssize_t widest = -1;

        for (size_t i = 0; i < n; i++)
                if (widths[i] > MAX(least[i], 1u) && (widest < 0 || widths[i] > widths[widest]))
                        widest = (ssize_t)i;
        return widest;
}

static void make_fit(const Table *t, unsigned *widths, unsigned width)
{
        unsigned sum = GAP * (unsigned)(t->n_columns - 1);
        g_autofree unsigned *least = least_widths(t);
        ssize_t i;

        for (size_t k = 0; k < t->n_columns; k++)
                sum += widths[k];
        while (sum > width && (i = find_widest(t->n_columns, widths, least)) >= 0) {
                widths[i]--;
                sum--;
        }
}

static void print_cell(
        const Table *t, FILE *out, size_t column, unsigned width, const char *text, Colour colour)
{
        g_autofree char *fitted = text_fit(text, MAX(width, 1u));
        bool is_last = column + 1 == t->n_columns;
        unsigned pad = width - MIN(width, text_width(fitted));

        if (t->columns[column]->right)
                fprintf(out, "%*s", (int)pad, "");
        if (colour != COLOUR_NONE)
                fprintf(out, "%s%s%s", term_colour(colour), fitted, term_plain());
        else
                fputs(fitted, out);
        if (!t->columns[column]->right && !is_last)
                fprintf(out, "%*s", (int)pad, "");
        fputs(is_last ? "\n" : " ", out);
}

void table_print(const Table *t, FILE *out, unsigned width, bool titles)
{
        g_autofree unsigned *widths = natural_widths(t, titles);

        if (width > 0)
                make_fit(t, widths, width);
        for (size_t i = 0; titles && i < t->n_columns; i++)
                print_cell(t, out, i, widths[i], t->columns[i]->title, COLOUR_UNDERLINE);
        for (guint i = 0; i < t->cells->len; i++) {
                const Cell *cell = &g_array_index(t->cells, Cell, i);
                size_t column = i % t->n_columns;

                print_cell(t, out, column, widths[column], cell->text, cell->colour);
        }
}
