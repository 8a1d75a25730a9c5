/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost-executor: what stands between agenthost-launcher and an agent. Started by the launcher only; see
 * proto/executor.h. */

#include <sys/socket.h>
#include <sys/stat.h>

#include "credentials.h"
#include "identity.h"
#include "plan.h"
#include "report.h"
#include "setup.h"

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

int main(void)
{
        Identity identity;
        const char *wrong;
        Plan plan;
        int r;

        /* The mode of the credential files is meant as it is written. */
        (void) umask(0);

        r = plan_read(EXECUTOR_FD_PLAN, &plan, &wrong);
        if (r < 0)
                report_and_exit(EXECUTOR_STEP_PLAN, r, wrong);

        identity = identity_resolve(&plan);
        credentials_write(&plan, &identity);
        wait_for_gate();
        setup_and_execute(&plan, &identity);
}
