/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The executor's plan. The launcher alone writes it; but the executor is root while it reads it. */

#include <string.h>

#include "fuzz.h"
#include "plan.h"

static void expect_texts(const char *const *texts, const char *data, size_t size)
{
        for (; *texts; texts++)
                fuzz_expect(*texts >= data && *texts < data + size, "a text is of the plan");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data, *wrong;
        Plan plan;

        if (plan_parse(text, size, &plan, &wrong) < 0) {
                fuzz_expect(
                        !wrong || (wrong >= text && wrong < text + size), "what is wrong is of the plan");
                return 0;
        }
        fuzz_expect(plan.unit && plan.ident && plan.working_directory && plan.arguments[0],
                "a plan has what every agent needs");
        fuzz_expect(plan.umask <= 07777, "the umask is one");
        expect_texts(plan.arguments, text, size);
        expect_texts(plan.environment, text, size);
        expect_texts(plan.supplementary_groups, text, size);

        for (size_t i = 0; i < PLAN_ENVIRONMENT_SPARE; i++)
                plan_add_variable(&plan, "HOME=/");
        fuzz_expect(plan_has_variable(&plan, "HOME", strlen("HOME")), "the variable is there");
        fuzz_expect(!plan.environment[plan.n_environment], "the environment has its end");
        plan_done(&plan);
        return 0;
}
