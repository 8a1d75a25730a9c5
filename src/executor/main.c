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
#include "worker.h"

/* What is done now. */
static struct {
        Plan plan;
        const Account *account; /* NULL: stay who we are */
        bool failed;
        ExecutorReport failure;
} request;

static int prepare_plan(const char *text, size_t size)
{
        const char *wrong;
        int r;

        r = plan_parse(text, size, &request.plan, &wrong);
        if (r < 0)
                return report_fill(&request.failure, EXECUTOR_STEP_PLAN, r, wrong);
        if (!request.plan.user)
                return 0;

        r = account_get(&request.plan, &request.account, &request.failure);
        if (r >= 0)
                identity_add_environment(request.account, &request.plan);
        return r;
}

static void prepare(const char *text, size_t size)
{
        request.account = NULL;
        request.failed = prepare_plan(text, size) < 0;
}

static void clean_up(void)
{
        plan_done(&request.plan);
}

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

static void become_agent(void)
{
        int stream;

        say_pid();
        if (request.failed)
                report_send_and_exit(&request.failure);

        credentials_write(&request.plan, request.account);
        stream = output_open(&request.plan);
        wait_for_gate();
        setup_and_execute(&request.plan, request.account, stream);
}

int main(void)
{
        static const WorkerSteps steps = { prepare, become_agent, clean_up };

        /* The mode of the credential files is meant as it is written. */
        (void)umask(0);

        return worker_serve(&steps) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
