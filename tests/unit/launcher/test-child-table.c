/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child-table.h"

#include <glib.h>

#include "launcher.h"

static Launcher launcher;

static Child *add(ChildTable *t, unsigned number)
{
        g_autofree char *unit = g_strdup_printf("agent-%05u.scope", number);
        Child *child;

        g_assert_cmpint(child_new(&launcher, unit, "id", "guild", "runtime", &child), ==, 0);
        child->pid = 1;
        g_assert_cmpint(child_table_add(t, child), ==, 0);
        return child;
}

static void test_child_is_found_by_unit_until_dropped(void)
{
        ChildTable t = { 0 };
        Child *child = add(&t, 7);

        g_assert_true(child_table_find(&t, "agent-00007.scope") == child);
        g_assert_null(child_table_find(&t, "agent-00008.scope"));
        child_table_drop(&t, child);
        g_assert_null(child_table_find(&t, "agent-00007.scope"));
        g_assert_cmpuint(t.n, ==, 0);
        child_table_done(&t);
}

static void test_second_child_of_a_unit_is_refused(void)
{
        ChildTable t = { 0 };
        Child *first = add(&t, 1), *second;

        g_assert_cmpint(child_new(&launcher, first->unit, "id", "guild", "runtime", &second), ==, 0);
        g_assert_cmpint(child_table_add(&t, second), ==, -EEXIST);
        child_free(second);
        g_assert_true(child_table_find(&t, first->unit) == first);
        child_table_done(&t);
}

static void test_more_than_there_can_be_are_refused(void)
{
        ChildTable t = { 0 };
        Child *child;

        for (unsigned i = 0; i < CHILD_TABLE_MAX; i++)
                add(&t, i);
        g_assert_cmpint(child_new(&launcher, "agent-x.scope", "id", "guild", "runtime", &child), ==, 0);
        g_assert_cmpint(child_table_add(&t, child), ==, -ENOBUFS);
        child_table_drop(&t, child_table_find(&t, "agent-00000.scope"));
        g_assert_cmpint(child_table_add(&t, child), ==, 0);
        child_table_done(&t);
}

static void test_pages_are_sorted_and_complete(void)
{
        g_autofree Child **page = NULL;
        ChildTable t = { 0 };
        size_t n;

        for (unsigned i = 0; i < 1000; i++)
                add(&t, i * 7919 % 1000);

        g_assert_cmpint(child_table_page(&t, "", 300, &page, &n), ==, 0);
        g_assert_cmpuint(n, ==, 300);
        g_assert_cmpstr(page[0]->unit, ==, "agent-00000.scope");
        g_assert_cmpstr(page[299]->unit, ==, "agent-00299.scope");

        g_clear_pointer(&page, free);
        g_assert_cmpint(child_table_page(&t, "agent-00950.scope", 300, &page, &n), ==, 0);
        g_assert_cmpuint(n, ==, 49);
        g_assert_cmpstr(page[0]->unit, ==, "agent-00951.scope");
        child_table_done(&t);
}

static void test_page_leaves_out_children_without_process(void)
{
        g_autofree Child **page = NULL, **all = NULL;
        ChildTable t = { 0 };
        size_t n;

        add(&t, 1)->pid = 0;
        add(&t, 2);
        g_assert_cmpint(child_table_page(&t, "", 10, &page, &n), ==, 0);
        g_assert_cmpuint(n, ==, 1);
        g_assert_cmpstr(page[0]->unit, ==, "agent-00002.scope");
        g_assert_cmpint(child_table_list(&t, &all, &n), ==, 0);
        g_assert_cmpuint(n, ==, 2);
        child_table_done(&t);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/child-table/child_is_found_by_unit_until_dropped",
                test_child_is_found_by_unit_until_dropped);
        g_test_add_func(
                "/child-table/second_child_of_a_unit_is_refused", test_second_child_of_a_unit_is_refused);
        g_test_add_func(
                "/child-table/more_than_there_can_be_are_refused", test_more_than_there_can_be_are_refused);
        g_test_add_func("/child-table/pages_are_sorted_and_complete", test_pages_are_sorted_and_complete);
        g_test_add_func("/child-table/page_leaves_out_children_without_process",
                test_page_leaves_out_children_without_process);
        return g_test_run();
}
