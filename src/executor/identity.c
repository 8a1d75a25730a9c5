/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

#include <grp.h>

#include "report.h"

static void add_variable(Plan *plan, const char *name, const char *value)
{
        if (!value[0] || plan_has_variable(plan, name))
                return;
        if (plan_add_variable(plan, name, value) < 0)
                report_and_exit(EXECUTOR_STEP_USER, -ENOMEM, name);
}

void identity_add_environment(const Account *account, Plan *plan)
{
        add_variable(plan, "HOME", account->home);
        add_variable(plan, "USER", account->name);
        add_variable(plan, "LOGNAME", account->name);
        add_variable(plan, "SHELL", account->shell);
}

void identity_apply(const Account *account)
{
        if (setgroups(account->n_groups, account->groups) < 0)
                report_and_exit(EXECUTOR_STEP_SETGROUPS, -errno, NULL);
        if (setresgid(account->gid, account->gid, account->gid) < 0)
                report_and_exit(EXECUTOR_STEP_SETGID, -errno, NULL);
        if (setresuid(account->uid, account->uid, account->uid) < 0)
                report_and_exit(EXECUTOR_STEP_SETUID, -errno, NULL);
}
