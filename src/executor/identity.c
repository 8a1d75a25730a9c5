/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

#include <grp.h>
#include <string.h>
#include <sys/prctl.h>

#include "report.h"

void identity_add_environment(const Account *account, Plan *plan)
{
        for (size_t i = 0; i < ACCOUNT_VARIABLES; i++) {
                const char *variable = account->variables[i];
                size_t length = strcspn(variable, "=");

                if (variable[0] && !plan_has_variable(plan, variable, length))
                        plan_add_variable(plan, variable);
        }
}

void identity_apply(const Account *account)
{
        if (setgroups(account->n_groups, account->groups) < 0)
                report_and_exit(EXECUTOR_STEP_SETGROUPS, -errno, NULL);
        if (setresgid(account->gid, account->gid, account->gid) < 0)
                report_and_exit(EXECUTOR_STEP_SETGID, -errno, NULL);
        if (setresuid(account->uid, account->uid, account->uid) < 0)
                report_and_exit(EXECUTOR_STEP_SETUID, -errno, NULL);
        /* The worker's memory is still ours: no other process of the user may look into it, whatever
         * fs.suid_dumpable says. Exec ends that. */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
