/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault.h"

#include <glib.h>

static void test_the_first_text_stays(void)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(fault_set(&fault, FAULT_INVALID_ARGS, "first %d", 1), ==, -EINVAL);
        g_assert_cmpint(fault_set(&fault, FAULT_ACCESS_DENIED, "second"), ==, -EACCES);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        g_assert_cmpstr(fault_text(&fault), ==, "first 1");
        g_assert_cmpint(fault_set(NULL, FAULT_DRAINING, "nobody"), ==, -EDQUOT);
}

/* D-Bus would not take it. */
static void test_text_is_utf8_whatever_is_told(void)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_NO_SUCH_RUNTIME, "no %.2s, no %s, no %s", "a\xc3\xa9", "\xff", "\xc3\xa9");
        g_assert_cmpstr(fault_text(&fault), ==, "no a?, no ?, no \xc3\xa9");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fault/first-text", test_the_first_text_stays);
        g_test_add_func("/fault/utf8", test_text_is_utf8_whatever_is_told);
        return g_test_run();
}
