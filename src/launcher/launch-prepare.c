/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-prepare.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "credentials.h"
#include "escape.h"
#include "executor.h"
#include "file-util.h"
#include "launcher.h"
#include "pidfd.h"
#include "plan.h"

static int check_request(const SpawnRequest *request, Fault *fault)
{
        static const char *const names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

        if (!id_is_valid(request->agent_id))
                return fault_set(fault, FAULT_INVALID_ARGS, "Not a valid agent id");
        if (!id_is_valid(request->guild_id))
                return fault_set(fault, FAULT_INVALID_ARGS, "Not a valid guild id");
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                if (!memfd_is_sealed(request->texts[i]))
                        return fault_set(fault, FAULT_INVALID_ARGS, "%s is not a sealed memory file", names[i]);
        return 0;
}

static int find_runtime(const Launcher *l, const SpawnRequest *request, const Runtime **ret, Fault *fault)
{
        const Runtime *runtime = runtime_set_find(l->runtimes, request->runtime);
        int r;

        if (!runtime)
                return fault_set(fault, FAULT_NO_SUCH_RUNTIME, "There is no runtime %s", request->runtime);
        for (char *const *e = request->environment; e && *e; e++) {
                r = runtime_check_environment(runtime, *e, fault);
                if (r < 0)
                        return r;
        }

        *ret = runtime;
        return 0;
}

static int make_child(
        Launcher *l, const SpawnRequest *request, const Runtime *runtime, Child **ret, Fault *fault)
{
        _cleanup_(child_freep) Child *c = NULL;
        _cleanup_free_ char *unit = NULL;
        const Child *known;
        int r;

        r = agent_unit_name(request->agent_id, &unit);
        if (r < 0)
                return r;

        known = child_table_find(&l->children, unit);
        if (known)
                return fault_set(fault, FAULT_AGENT_EXISTS, "Agent %s already exists%s", request->agent_id,
                        known->state == CHILD_ENDED ? " (it has ended, but its end was not acknowledged)" : "");

        r = child_new(l, unit, request->agent_id, request->guild_id, runtime->name, &c);
        if (r < 0)
                return r;
        r = guild_slice_name(request->guild_id, &c->slice);
        if (r < 0)
                return r;
        child_set_runtime(c, runtime);

        *ret = steal_ptr(c);
        return 0;
}

static int make_plan(
        Child *c, const SpawnRequest *request, const Runtime *runtime, int *ret_fd, Fault *fault)
{
        Launcher *l = c->launcher;
        _cleanup_free_ char *plan = NULL;
        size_t size;
        int r;

        c->has_stream = !runtime->output_null && launcher_take_stream(l);
        r = plan_build(
                &(PlanInput){
                        .runtime = runtime,
                        .unit = c->unit,
                        .agent_id = c->agent_id,
                        .guild_id = c->guild_id,
                        .machine_id = request->machine_id,
                        .client_type = request->client_type,
                        .environment = request->environment,
                        .journal = c->has_stream,
                        .nofile = &l->settings.nofile,
                },
                &plan, &size, fault);
        if (r < 0)
                return r;

        r = memfd_sealed("agenthost-plan", plan, size);
        if (r < 0)
                return r;
        *ret_fd = r;
        return 0;
}

static int spawn(Child *c, const SpawnRequest *request, int plan)
{
        _cleanup_close_ int theirs = -EBADF;
        ExecutorFds fds = { .plan = plan };
        int gate[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0)
                return -errno;
        c->gate = gate[0];
        fds.gate = theirs = gate[1];
        memcpy(fds.texts, request->texts, sizeof(fds.texts));

        r = executor_spawn(c->launcher->settings.executor, &fds, &c->pid);
        if (r < 0)
                return r;

        r = pidfd_open_pid(c->pid);
        if (r < 0) {
                launch_discard(c);
                return r;
        }
        c->pidfd = r;
        return 0;
}

void launch_discard(Child *c)
{
        /* A child of ours that is not reaped: its pid is its own. */
        (void) kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        credentials_remove(c->unit);
}

int launch_prepare(Launcher *l, const SpawnRequest *request, Child **ret, Fault *fault)
{
        _cleanup_(child_freep) Child *c = NULL;
        _cleanup_close_ int plan = -EBADF;
        const Runtime *runtime = NULL;
        int r;

        r = check_request(request, fault);
        if (r < 0)
                return r;
        r = find_runtime(l, request, &runtime, fault);
        if (r < 0)
                return r;

        r = make_child(l, request, runtime, &c, fault);
        if (r >= 0)
                r = make_plan(c, request, runtime, &plan, fault);
        if (r >= 0)
                r = spawn(c, request, plan);
        if (r < 0)
                return fault_set(fault, FAULT_START_FAILED, "Cannot start agenthost-executor: %s", strerror(-r));

        *ret = steal_ptr(c);
        return 0;
}
