/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "credentials.h"
#include "end.h"
#include "executor.h"
#include "fault-bus.h"
#include "launch-prepare.h"
#include "launcher.h"
#include "pidfd.h"
#include "scope.h"
#include "time-util.h"

/* A launch that has failed is looked at again after this time while something of it is left. */
#define REMAINS_USEC (5 * USEC_PER_SEC)

static void drop_gate(Child *c)
{
        c->gate_source = sd_event_source_disable_unref(c->gate_source);
        c->gate = close_fd(c->gate);
}

/* Tells who asked; if he has gone, everybody. */
static void tell_failure(Child *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(c->call);

        if (c->told)
                return;

        c->told = true;
        if (call && fault_reply(&c->fault, call) >= 0)
                return;
        child_log(c, LOG_WARNING, "Agent %s was not started, and who asked for it has gone: %s", c->agent_id,
                fault_text(&c->fault));
        c->ended_at_usec = now_usec(CLOCK_REALTIME);
        connections_emit_ended(c->launcher->connections, c);
}

static void tell_success(Child *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(c->call);

        c->told = true;
        if (call && sd_bus_reply_method_return(call, LAUNCHER_SPAWN_OUT, c->unit, (uint32_t) c->pid, c->pidfd) >= 0)
                return;
        connections_emit_launched(c->launcher->connections, c);
}

/* Once nothing is left of a failed launch: tells it, and forgets the child. */
static void settle(Child *c)
{
        if (!c->exited || c->scope == SCOPE_UNKNOWN || c->scope == SCOPE_THERE)
                return;

        end_reap(c);
        credentials_remove(c->unit);
        tell_failure(c);
        child_table_drop(&c->launcher->children, c);
}

/* A scope that was begun goes by itself when the executor in it ends, unless that was dead before it was put there:
 * then it would stay, empty. */
static void remove_scope(const Child *c)
{
        sd_bus *bus = manager_bus(c->launcher->manager);

        if (bus && c->scope == SCOPE_THERE)
                (void) scope_stop(bus, c->unit);
}

/* Something is still there. The caller learns of the failure all the same; the child is kept, as the zombie makes
 * sure that systemd, when it gets to our request, does not find another process under this pid. */
static int on_remains(sd_event_source *s, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        (void) s;
        (void) usec;

        tell_failure(c);
        remove_scope(c);
        manager_list(c->launcher->manager);
        return child_set_timer(c, REMAINS_USEC, on_remains);
}

/* The fault is set. */
static void begin_failing(Child *c)
{
        int r;

        if (c->state == CHILD_STARTING)
                remove_scope(c);
        c->state = CHILD_FAILING;
        drop_gate(c);
        if (!c->exited)
                (void) pidfd_signal(c->pidfd, SIGKILL);

        r = child_set_timer(c, REMAINS_USEC, on_remains);
        if (r < 0)
                child_log(c, LOG_ERR, "Cannot arm a timer: %s", strerror(-r));
        settle(c);
}

void launch_fail(Child *c, FaultKind kind, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        if (c->state >= CHILD_FAILING)
                return;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        fault_set(&c->fault, kind, "%s", text ? text : "Out of memory");
        begin_failing(c);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        static const char *const waiting_for[] = {
                [CHILD_WAITING] = "there is no connection to systemd",
                [CHILD_REQUESTED] = "systemd has not answered",
                [CHILD_STARTING] = "systemd has not made the scope",
                [CHILD_EXECUTING] = "agenthost-executor has not executed it",
        };
        Child *c = userdata;

        (void) s;
        (void) usec;

        launch_fail(c, FAULT_START_FAILED, "Not started within %us: %s",
                (unsigned) (LAUNCH_LIMIT_USEC / USEC_PER_SEC), waiting_for[c->state]);
        return 0;
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
                return errno == EAGAIN || errno == EINTR ? GATE_NOTHING : GATE_BROKEN;
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

static void executed(Child *c)
{
        drop_gate(c);
        child_drop_timer(c);
        c->state = c->requested ? CHILD_STOPPING : CHILD_RUNNING;
        tell_success(c);
}

static int on_gate(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ExecutorReport report;
        Child *c = userdata;

        (void) s;
        (void) fd;
        (void) revents;

        switch (read_gate(c, &report)) {
        case GATE_NOTHING:
                break;
        case GATE_EXECUTED:
                executed(c);
                break;
        case GATE_BROKEN:
                /* Its exit will tell more. */
                drop_gate(c);
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
                settle(c);
                return false;
        }

        news = c->gate >= 0 ? read_gate(c, &report) : GATE_BROKEN;
        if (news == GATE_EXECUTED) {
                executed(c);
                return true;
        }

        if (news == GATE_REPORT)
                fail_reported(c, &report);
        else if (c->code == CLD_EXITED)
                launch_fail(c, FAULT_START_FAILED, "agenthost-executor ended with exit code %d", c->status);
        else
                launch_fail(c, FAULT_START_FAILED, "agenthost-executor was ended by SIG%s", sigabbrev_np(c->status));
        return false;
}

void launch_on_scope_gone(Child *c)
{
        if (c->state == CHILD_FAILING)
                settle(c);
        else if (c->state == CHILD_STARTING)
                launch_fail(c, FAULT_START_FAILED, "%s was removed before it had started", c->unit);
        /* With the gate open, the exit of what was in the scope tells the rest. */
}

static void open_gate(Child *c)
{
        c->state = CHILD_EXECUTING;
        /* If nobody is there to see it, the exit event comes. */
        if (c->gate >= 0)
                (void) send(c->gate, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void scope_refused(Child *c, const sd_bus_error *error)
{
        bool exists = sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists");

        c->scope = SCOPE_NONE;
        if (c->state == CHILD_FAILING)
                settle(c);
        else
                launch_fail(c, exists ? FAULT_AGENT_EXISTS : FAULT_START_FAILED, "systemd: %s", error->message);
}

static void scope_granted(Child *c, sd_bus_message *reply)
{
        int r;

        c->scope = SCOPE_THERE;
        if (c->state == CHILD_FAILING) {
                remove_scope(c);
                return;
        }

        c->state = CHILD_STARTING;
        r = scope_start_read_job(reply, &c->job);
        if (r < 0)
                launch_fail(c, FAULT_START_FAILED, "Malformed answer of systemd: %s", strerror(-r));
}

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Child *c = userdata;

        (void) ret_error;

        c->start_slot = sd_bus_slot_unref(c->start_slot);
        /* Without a connection there is no answer, but an error of our own side. */
        if (error && sd_bus_is_open(sd_bus_message_get_bus(reply)) <= 0)
                launch_on_disconnected(c);
        else if (error)
                scope_refused(c, error);
        else
                scope_granted(c, reply);
        return 0;
}

/* Without a connection it stays waiting. The child may be gone afterwards. */
static void request_scope(Child *c)
{
        const Runtime *runtime = runtime_set_find(c->launcher->runtimes, c->runtime);
        sd_bus *bus = launcher_start_bus(c->launcher);
        _cleanup_free_ char *description = NULL;
        int r;

        if (!bus)
                return;
        if (!runtime) {
                launch_fail(c, FAULT_NO_SUCH_RUNTIME, "There is no runtime %s any more", c->runtime);
                return;
        }

        if (asprintf(&description, "Agent %s", c->agent_id) < 0) {
                description = NULL;
                r = -ENOMEM;
        } else
                r = scope_start(bus,
                        &(ScopeSpec){ .unit = c->unit,
                                .slice = c->slice,
                                .description = description,
                                .pid = c->pid,
                                .runtime = runtime },
                        on_started, c, &c->start_slot);
        if (r < 0 && sd_bus_is_open(bus) <= 0)
                /* The connection has just broken; the next one will do. */
                return;
        if (r < 0) {
                c->scope = SCOPE_NONE;
                launch_fail(c, FAULT_START_FAILED, "Cannot ask systemd for a scope: %s", strerror(-r));
                return;
        }

        c->state = CHILD_REQUESTED;
        c->scope = SCOPE_UNKNOWN;
}

void launch_on_job_removed(Child *c, uint32_t job, const char *result)
{
        if (c->state != CHILD_STARTING || job != c->job)
                return;

        if (strcmp(result, "done") == 0)
                open_gate(c);
        else
                launch_fail(c, FAULT_START_FAILED, "systemd did not make the scope: its job ended as '%s'", result);
}

void launch_on_disconnected(Child *c)
{
        c->start_slot = sd_bus_slot_unref(c->start_slot);
        if (c->state == CHILD_REQUESTED)
                c->state = CHILD_WAITING;
}

void launch_on_listed(Child *c, const ScopeEntry *entry)
{
        switch (c->state) {
        case CHILD_WAITING:
                if (!entry || c->scope == SCOPE_NONE) {
                        /* Also where somebody else's scope has the name: systemd will say so. */
                        request_scope(c);
                        return;
                }
                c->scope = SCOPE_THERE;
                c->state = CHILD_STARTING;
                c->job = entry->job;
                break;
        case CHILD_FAILING:
                if (c->scope == SCOPE_UNKNOWN && !c->start_slot)
                        c->scope = entry ? SCOPE_THERE : SCOPE_NONE;
                break;
        default:
                break;
        }

        if (c->scope == SCOPE_THERE && (!entry || !entry->active))
                end_on_scope_gone(c);
        else if (c->state == CHILD_STARTING && entry->started && entry->job == 0)
                open_gate(c);
        else if (c->state == CHILD_FAILING) {
                remove_scope(c);
                settle(c);
        }
}

static int watch(Child *c)
{
        int r;

        r = end_watch(c);
        if (r < 0)
                return r;
        r = sd_event_add_io(c->launcher->event, &c->gate_source, c->gate, EPOLLIN, on_gate, c);
        if (r < 0)
                return r;
        return child_set_timer(c, LAUNCH_LIMIT_USEC, on_limit);
}

int launch_begin(Launcher *l, const SpawnRequest *request, sd_bus_message *call, Fault *fault)
{
        _cleanup_(child_freep) Child *prepared = NULL;
        Child *c;
        int r;

        r = launch_prepare(l, request, &prepared, fault);
        if (r < 0)
                return r;

        c = prepared;
        r = watch(c);
        if (r >= 0)
                r = child_table_add(&l->children, c);
        if (r < 0) {
                launch_discard(c);
                return fault_set(fault, FAULT_START_FAILED, "Cannot watch over the process: %s", strerror(-r));
        }

        prepared = NULL;
        c->call = sd_bus_message_ref(call);
        request_scope(c);
        return 0;
}
