/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <string.h>

#include <glib.h>

#define MINIMUM "Unit=u\0Ident=i\0WorkingDirectory=/w\0Argument=/bin/a\0"

static int parse(const char *text, size_t size, Plan *plan, const char **wrong)
{
        return plan_parse(text, size - 1, plan, wrong);
}
#define PARSE(text, plan, wrong) parse(text, sizeof(text), plan, wrong)

static void test_plan_is_read(void)
{
        const char *wrong;
        Plan plan;

        g_assert_cmpint(
                PARSE(MINIMUM "User=me\0Group=us\0SupplementaryGroup=a\0SupplementaryGroup=b\0UMask=0077\0"
                              "RLimit=7:10:18446744073709551615\0NoNewPrivileges=1\0Output=journal\0"
                              "Credentials=/c\0Environment=A=x=y\0Environment=B=\0Argument=\0Argument=c\0",
                        &plan, &wrong),
                ==, 0);
        g_assert_cmpstr(plan.unit, ==, "u");
        g_assert_cmpstr(plan.user, ==, "me");
        g_assert_cmpstr(plan.group, ==, "us");
        g_assert_cmpstr(plan.supplementary_groups[1], ==, "b");
        g_assert_null(plan.supplementary_groups[2]);
        g_assert_cmpuint(plan.umask, ==, 0077);
        g_assert_true(plan.limits[RLIMIT_NOFILE].set);
        g_assert_cmpuint(plan.limits[RLIMIT_NOFILE].value.rlim_cur, ==, 10);
        g_assert_true(plan.limits[RLIMIT_NOFILE].value.rlim_max == RLIM_INFINITY);
        g_assert_true(plan.no_new_privileges);
        g_assert_true(plan.journal);
        g_assert_cmpuint(plan.n_environment, ==, 2);
        g_assert_cmpstr(plan.environment[0], ==, "A=x=y");
        g_assert_cmpstr(plan.arguments[1], ==, "");
        g_assert_cmpstr(plan.arguments[2], ==, "c");
        g_assert_null(plan.arguments[3]);
        plan_done(&plan);
}

static void test_plan_with_nonsense_is_refused(void)
{
        static const char *const wrong_entries[] = { "Unknown=1", "nonsense", "RLimit=99:1:1", "RLimit=1:1",
                "UMask=9", "NoNewPrivileges=2", "Output=file" };

        for (size_t i = 0; i < G_N_ELEMENTS(wrong_entries); i++) {
                g_autoptr(GByteArray) text = g_byte_array_new();
                const char *wrong;
                Plan plan;

                g_byte_array_append(text, (const uint8_t *)MINIMUM, sizeof(MINIMUM) - 1);
                g_byte_array_append(
                        text, (const uint8_t *)wrong_entries[i], (guint)strlen(wrong_entries[i]) + 1);
                g_assert_cmpint(
                        plan_parse((const char *)text->data, text->len, &plan, &wrong), ==, -EBADMSG);
                g_assert_cmpstr(wrong, ==, wrong_entries[i]);
        }
}

static void test_incomplete_plan_is_refused(void)
{
        const char *wrong;
        Plan plan;

        g_assert_cmpint(PARSE("Unit=u\0Ident=i\0WorkingDirectory=/\0", &plan, &wrong), ==, -EBADMSG);
        g_assert_cmpint(PARSE("Unit=u\0Ident=i\0Argument=/a\0", &plan, &wrong), ==, -EBADMSG);
        /* Without its last NUL. */
        g_assert_cmpint(PARSE("Unit=u", &plan, &wrong), ==, -EBADMSG);
        g_assert_cmpint(plan_parse("", 0, &plan, &wrong), ==, -EBADMSG);
}

static void test_plan_takes_more_variables(void)
{
        const char *wrong;
        Plan plan;

        g_assert_cmpint(PARSE(MINIMUM "Environment=HOMES=x\0", &plan, &wrong), ==, 0);
        g_assert_false(plan_has_variable(&plan, "HOME", 4));
        plan_add_variable(&plan, "HOME=/h");
        g_assert_true(plan_has_variable(&plan, "HOME", 4));
        g_assert_false(plan_has_variable(&plan, "HOME", 3));
        g_assert_cmpstr(plan.environment[1], ==, "HOME=/h");
        g_assert_null(plan.environment[2]);
        plan_done(&plan);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/executor/plan_is_read", test_plan_is_read);
        g_test_add_func("/executor/plan_with_nonsense_is_refused", test_plan_with_nonsense_is_refused);
        g_test_add_func("/executor/incomplete_plan_is_refused", test_incomplete_plan_is_refused);
        g_test_add_func("/executor/plan_takes_more_variables", test_plan_takes_more_variables);
        return g_test_run();
}
