/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost-executor: what stands between agenthost-launcher and its agents. Started by the launcher only;
 * see proto/executor.h. */

#include <sys/socket.h>
#include <sys/stat.h>

#include "account.h"
#include "credentials.h"
#include "identity.h"
#include "output.h"
#include "plan.h"
#include "report.h"
#include "setup.h"
#include "template.h"

static void say_pid(void)
{
        int32_t pid = getpid();

        if (send(EXECUTOR_FD_GATE, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid))
                _exit(EXIT_FAILURE);
}

/* Anything but the one byte means that there is to be no agent. */
static void wait_for_gate(void)
{
        ssize_t n;
        char byte;

        do
                n = recv(EXECUTOR_FD_GATE, &byte, 1, 0);
        while (n < 0 && errno == EINTR);

        if (n != 1)
                _exit(EXIT_FAILURE);
}

static void become_agent(const char *text, size_t size)
{
        const Account *account;
        const char *wrong;
        Plan plan;
        int r, stream;

        say_pid();
        r = plan_parse(text, size, &plan, &wrong);
        if (r < 0)
                report_and_exit(EXECUTOR_STEP_PLAN, r, wrong);

        account = plan.user ? account_get(&plan) : NULL;
        if (account)
                identity_add_environment(account, &plan);
        credentials_write(&plan, account);
        stream = output_open(&plan);
        wait_for_gate();
        setup_and_execute(&plan, account, stream);
}

int main(void)
{
        /* The mode of the credential files is meant as it is written. */
        (void)umask(0);

        return template_serve(become_agent) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
