/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <glib.h>

static const TableColumn id = { .title = "ID", .min = 4 };
static const TableColumn pid = { .title = "PID", .right = true };
static const TableColumn name = { .title = "NAME", .min = 4 };

static Table *make_table(void)
{
        static const TableColumn *const columns[] = { &id, &pid, &name };
        Table *t = table_new(columns, ELEMENTSOF(columns));

        table_add(t, "echo_agent", COLOUR_NONE);
        table_add(t, "7", COLOUR_GREEN);
        table_add(t, "grüß", COLOUR_NONE);
        table_add(t, "a", COLOUR_NONE);
        table_add(t, "12345", COLOUR_NONE);
        table_add(t, "A name that is long", COLOUR_NONE);
        return t;
}

static void expect_print(const Table *t, unsigned width, bool titles, const char *expected)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        table_print(t, out, width, titles);
        fclose(out);
        g_assert_cmpstr(text, ==, expected);
}

static void test_columns_are_as_wide_as_their_cells(void)
{
        _cleanup_(table_freep) Table *t = make_table();

        term_force(false, true, 0);
        expect_print(t, 0, true,
                "ID           PID NAME\n"
                "echo_agent     7 grüß\n"
                "a          12345 A name that is long\n");
        expect_print(t, 200, false,
                "echo_agent     7 grüß\n"
                "a          12345 A name that is long\n");
}

static void test_widest_columns_are_cut_first(void)
{
        _cleanup_(table_freep) Table *t = make_table();

        term_force(false, true, 27);
        expect_print(t, 27, true,
                "ID           PID NAME\n"
                "echo_agent     7 grüß\n"
                "a          12345 A name th…\n");
        expect_print(t, 17, true,
                "ID      PID NAME\n"
                "echo…     7 grüß\n"
                "a     12345 A na…\n");
}

/* Of columns that are never cut; not more than a title has, where all cells are empty. */
static void test_titles_are_cut_to_their_cells(void)
{
        static const TableColumn draining = { .title = "DRAINING" },
                                 agents = { .title = "AGENTS", .right = true }, none = { .title = "ZONE" };
        static const TableColumn *const columns[] = { &id, &draining, &none, &agents };
        _cleanup_(table_freep) Table *t = table_new(columns, ELEMENTSOF(columns));

        table_add(t, "echo_agent", COLOUR_NONE);
        table_add(t, "yes", COLOUR_NONE);
        table_add(t, "", COLOUR_NONE);
        table_add(t, "12", COLOUR_NONE);
        term_force(false, true, 20);
        expect_print(t, 20, true,
                "ID   DRA… ZONE AGEN…\n"
                "ech… yes          12\n");
        expect_print(t, 1, true,
                "ID   DR… … A…\n"
                "ech… yes   12\n");
}

/* On a terminal that is too narrow for anything, lines are too long rather than empty. */
static void test_columns_keep_their_least_width(void)
{
        _cleanup_(table_freep) Table *t = make_table();

        term_force(false, true, 3);
        expect_print(t, 3, false,
                "ech…     7 grüß\n"
                "a    12345 A n…\n");
}

static void test_colours_do_not_count(void)
{
        static const TableColumn *const columns[] = { &pid, &name };
        _cleanup_(table_freep) Table *t = table_new(columns, ELEMENTSOF(columns));

        table_add(t, "7", COLOUR_GREEN);
        table_add(t, "x", COLOUR_NONE);
        table_add(t, "12345", COLOUR_NONE);
        table_add(t, "y", COLOUR_NONE);
        term_force(true, true, 80);
        expect_print(t, 80, false, "    \033[0;1;32m7\033[0m x\n12345 y\n");
        term_force(false, true, 80);
}

static void test_cells_are_cleaned(void)
{
        static const TableColumn *const columns[] = { &name };
        _cleanup_(table_freep) Table *t = table_new(columns, ELEMENTSOF(columns));

        table_add(t, "a\033[2Jb\n", COLOUR_NONE);
        expect_print(t, 0, false, "a\\x1b[2Jb\\x0a\n");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/table/" name, test_##function)
        ADD("columns-are-as-wide-as-their-cells", columns_are_as_wide_as_their_cells);
        ADD("widest-columns-are-cut-first", widest_columns_are_cut_first);
        ADD("titles-are-cut-to-their-cells", titles_are_cut_to_their_cells);
        ADD("columns-keep-their-least-width", columns_keep_their_least_width);
        ADD("colours-do-not-count", colours_do_not_count);
        ADD("cells-are-cleaned", cells_are_cleaned);
#undef ADD

        return g_test_run();
}
