/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "answer.h"
#include "end.h"
#include "executor.h"
#include "launch-fail.h"
#include "launch-prepare.h"
#include "launch-scope.h"
#include "launcher.h"
#include "pidfd.h"
#include "time-util.h"

/* How often it is looked whether systemd has said something that has not come here. */
#define LOOK_USEC (5 * USEC_PER_SEC)

static int on_look(sd_event_source *s, uint64_t usec, void *userdata);

static int arm_look(Child *c)
{
        return child_set_timer(c, LOOK_USEC, on_look);
}

static void fail_late(Child *c)
{
        static const char *const waiting_for[] = {
                [CHILD_FORKING] = "agenthost-executor has made no process",
                [CHILD_WAITING] = "systemd cannot be asked for its scope",
                [CHILD_REQUESTED] = "systemd has not answered",
                [CHILD_STARTING] = "systemd has not made the scope",
                [CHILD_EXECUTING] = "agenthost-executor has not executed it",
        };

        launch_fail(c, FAULT_START_FAILED, "Not started within %us: %s",
                (unsigned)(LAUNCH_LIMIT_USEC / USEC_PER_SEC), waiting_for[c->state]);
}

static int on_look(sd_event_source *s, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        (void)s;
        (void)usec;

        if (now_usec(CLOCK_MONOTONIC) >= c->launch_deadline_usec || arm_look(c) < 0)
                fail_late(c);
        else
                manager_list(c->launcher->manager);
        return 0;
}

static void tell_success(Child *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(c->call);

        c->told = true;
        if (call && bus_answer(call, LAUNCHER_SPAWN_OUT, c->unit, (uint32_t)c->pid, c->pidfd) >= 0)
                return;
        connections_emit_launched(c->launcher->connections, c);
}

static void executed(Child *c)
{
        child_drop_gate(c);
        child_drop_timer(c);
        c->state = c->requested ? CHILD_STOPPING : CHILD_RUNNING;
        tell_success(c);
}

/* The gate stays readable: it is looked at again. */
static bool is_for_now(int error)
{
        return error == EAGAIN || error == EINTR || error == ENOMEM;
}

typedef enum GateNews {
        GATE_NOTHING,
        GATE_EXECUTED, /* closed by exec, if it was open; else by an executor that died */
        GATE_BROKEN,
        GATE_REPORT,
} GateNews;

static GateNews read_gate(const Child *c, ExecutorReport *ret)
{
        ExecutorReport report;
        ssize_t n = recv(c->gate, &report, sizeof(report), MSG_DONTWAIT);

        if (n == 0)
                return c->state == CHILD_EXECUTING ? GATE_EXECUTED : GATE_BROKEN;
        if (n < 0)
                return is_for_now(errno) ? GATE_NOTHING : GATE_BROKEN;
        if (n != sizeof(report))
                return GATE_BROKEN;

        report.subject[sizeof(report.subject) - 1] = '\0';
        *ret = report;
        return GATE_REPORT;
}

static void fail_reported(Child *c, const ExecutorReport *report)
{
        _cleanup_free_ char *text = NULL;

        if (executor_report_text(report, &text) < 0)
                text = NULL;
        launch_fail(c, FAULT_START_FAILED, "%s", text ? text : "Out of memory");
}

/* The process is there: from here on its exit is seen too. */
static void on_process(Child *c, pid_t pid)
{
        int r;

        r = pidfd_open_pid(pid);
        if (r >= 0) {
                c->pidfd = r;
                r = end_watch(c);
        }
        if (r < 0) {
                /* A child of ours that is not reaped: its pid is its own. */
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                c->exited = true;
                launch_fail(c, FAULT_START_FAILED, "Cannot watch over the process: %s", strerror(-r));
                return;
        }

        c->pid = pid;
        if (c->state == CHILD_FAILING) {
                child_drop_gate(c);
                (void)pidfd_signal(c->pidfd, SIGKILL);
                return;
        }
        c->state = CHILD_WAITING;
        launch_request_scope(c);
}

/* The first thing that is said at the gate. */
static void read_pid(Child *c)
{
        int32_t pid;
        ssize_t n = recv(c->gate, &pid, sizeof(pid), MSG_DONTWAIT);

        if (n < 0 && is_for_now(errno))
                return;
        if (n == sizeof(pid) && pid > 0) {
                on_process(c, pid);
                return;
        }

        c->exited = true;
        if (c->state == CHILD_FAILING) {
                child_drop_gate(c);
                launch_settle(c);
        } else
                launch_fail(c, FAULT_START_FAILED, "agenthost-executor could not make a process");
}

static int on_gate(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ExecutorReport report;
        Child *c = userdata;

        (void)s;
        (void)fd;
        (void)revents;

        if (c->pid == 0) {
                read_pid(c);
                return 0;
        }

        switch (read_gate(c, &report)) {
        case GATE_NOTHING:
                break;
        case GATE_EXECUTED:
                executed(c);
                if (c->exited)
                        end_on_exited(c);
                break;
        case GATE_BROKEN:
                /* Its exit will tell more, or has told it. */
                child_drop_gate(c);
                if (c->exited)
                        (void)launch_on_exit(c);
                break;
        case GATE_REPORT:
                fail_reported(c, &report);
                break;
        }
        return 0;
}

bool launch_on_exit(Child *c)
{
        ExecutorReport report;
        GateNews news;

        if (c->state == CHILD_FAILING) {
                launch_settle(c);
                return false;
        }

        news = c->gate >= 0 ? read_gate(c, &report) : GATE_BROKEN;
        if (news == GATE_EXECUTED) {
                executed(c);
                return true;
        }
        /* The worker, which has the gate open too, closes it when it wakes up. */
        if (news == GATE_NOTHING && c->state == CHILD_EXECUTING)
                return false;

        if (news == GATE_REPORT)
                fail_reported(c, &report);
        else if (c->code == CLD_EXITED)
                launch_fail(c, FAULT_START_FAILED, "agenthost-executor ended with exit code %d", c->status);
        else
                launch_fail(c, FAULT_START_FAILED, "agenthost-executor was ended by SIG%s",
                        sigabbrev_np(c->status));
        return false;
}

static int ask_executor(Child *c, const SpawnRequest *request, const char *plan, size_t size)
{
        _cleanup_close_ int theirs = -EBADF;
        ExecutorRequest asked = { .plan = plan, .plan_size = size };
        int gate[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0)
                return -errno;
        c->gate = gate[0];
        theirs = gate[1];
        asked.gate = theirs;
        memcpy(asked.texts, request->texts, sizeof(asked.texts));

        r = sd_event_add_io(c->launcher->event, &c->gate_source, c->gate, EPOLLIN, on_gate, c);
        if (r < 0)
                return r;
        c->launch_deadline_usec = now_usec(CLOCK_MONOTONIC) + LAUNCH_LIMIT_USEC;
        r = arm_look(c);
        if (r < 0)
                return r;
        r = executor_request(c->launcher->executor, &asked);
        launcher_pace(c->launcher);
        c->has_worker = r >= 0;
        return r;
}

int launch_begin(Launcher *l, const SpawnRequest *request, sd_bus_message *call, Fault *fault)
{
        _cleanup_(child_freep) Child *prepared = NULL;
        _cleanup_free_ char *plan = NULL;
        size_t size;
        Child *c;
        int r;

        r = launch_prepare(l, request, call, &prepared, &plan, &size, fault);
        if (r < 0)
                return r;
        r = child_table_add(&l->children, prepared);
        if (r == -ENOBUFS)
                return fault_set(fault, FAULT_LIMIT_REACHED,
                        "agenthost-launcher has %u agents, and takes no more before ends are acknowledged",
                        CHILD_TABLE_MAX);
        if (r < 0)
                return r;

        c = steal_ptr(prepared);
        r = ask_executor(c, request, plan, size);
        if (r < 0) {
                child_table_drop(&l->children, c);
                return fault_set(
                        fault, FAULT_START_FAILED, "Cannot ask agenthost-executor: %s", strerror(-r));
        }
        c->call = sd_bus_message_ref(call);
        return 0;
}
