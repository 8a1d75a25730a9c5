/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process-tree.h"

#include <glib.h>

#include "term.h"

#define ROOT "/agents.slice"

static void expect_print(const ProcessTree *t, unsigned width, const char *expected)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        process_tree_print(t, out, "  ", width);
        fclose(out);
        g_assert_cmpstr(text, ==, expected);
}

static void test_processes_stand_in_their_groups(void)
{
        _cleanup_(process_tree_freep) ProcessTree *t = process_tree_new(ROOT);

        process_tree_add(t, ROOT "/agents-g.slice/agent-b.scope", 12, "/usr/bin/b --x");
        process_tree_add(t, ROOT "/agents-g.slice/agent-a.scope", 1001, "child");
        process_tree_add(t, ROOT "/agents-g.slice/agent-a.scope", 7, "main");
        process_tree_add(t, ROOT "/agents-h.slice/agent-c.scope", 3, "c");
        term_force(false, true, 80);
        expect_print(t, 80,
                "  ├─agents-g.slice\n"
                "  │ ├─agent-a.scope\n"
                "  │ │ ├─   7 main\n"
                "  │ │ └─1001 child\n"
                "  │ └─agent-b.scope\n"
                "  │   └─  12 /usr/bin/b --x\n"
                "  └─agents-h.slice\n"
                "    └─agent-c.scope\n"
                "      └─   3 c\n");
}

static void test_processes_come_before_groups(void)
{
        _cleanup_(process_tree_freep) ProcessTree *t = process_tree_new(ROOT);

        process_tree_add(t, ROOT "/sub", 2, "below");
        process_tree_add(t, ROOT, 1, "here");
        term_force(false, false, 80);
        expect_print(t, 80,
                "  |-1 here\n"
                "  `-sub\n"
                "    `-2 below\n");
}

static void test_what_is_elsewhere_is_left_out(void)
{
        _cleanup_(process_tree_freep) ProcessTree *t = process_tree_new(ROOT);

        process_tree_add(t, "/system.slice/x.service", 1, "x");
        process_tree_add(t, ROOT "x/y.scope", 2, "y");
        g_assert_true(process_tree_is_empty(t));
        expect_print(t, 80, "");
}

static void test_lines_fit_and_are_clean(void)
{
        _cleanup_(process_tree_freep) ProcessTree *t = process_tree_new("/");

        process_tree_add(t, "/a", 1, "a long \033[2Jcommand line");
        term_force(false, true, 16);
        expect_print(t, 16,
                "  └─a\n"
                "    └─1 a long …\n");
        expect_print(t, 0,
                "  └─a\n"
                "    └─1 a long \\x1b[2Jcommand line\n");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/process-tree/" name, test_##function)
        ADD("processes-stand-in-their-groups", processes_stand_in_their_groups);
        ADD("processes-come-before-groups", processes_come_before_groups);
        ADD("what-is-elsewhere-is-left-out", what_is_elsewhere_is_left_out);
        ADD("lines-fit-and-are-clean", lines_fit_and_are_clean);
#undef ADD

        return g_test_run();
}
