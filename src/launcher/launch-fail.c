/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-fail.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "answer.h"
#include "end.h"
#include "fault-bus.h"
#include "launcher.h"
#include "pidfd.h"
#include "scope.h"
#include "time-util.h"

/* A launch that has failed is looked at again after this time while something of it is left. */
#define REMAINS_USEC (5 * USEC_PER_SEC)

static int answer(const Child *c, sd_bus_message *call)
{
        if (c->cancelled)
                return bus_check_sent(sd_bus_message_get_bus(call),
                        sd_bus_reply_method_errorf(
                                call, LAUNCHER_ERROR_RELOADING, "%s", fault_text(&c->fault)));
        return fault_reply(&c->fault, call);
}

/* Tells who asked; if he has gone, everybody. */
static void tell_failure(Child *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(c->call);

        if (c->told)
                return;

        c->told = true;
        if (call && answer(c, call) >= 0)
                return;
        child_log(c, LOG_WARNING, "Agent %s was not started, and who asked for it has gone: %s", c->agent_id,
                fault_text(&c->fault));
        c->ended_at_usec = now_usec(CLOCK_REALTIME);
        connections_emit_ended(c->launcher->connections, c);
}

void launch_settle(Child *c)
{
        if (!c->exited || c->scope == SCOPE_UNKNOWN || c->scope == SCOPE_THERE)
                return;

        end_reap(c);
        launcher_remove_credentials(c->launcher, c->unit);
        tell_failure(c);
        child_table_drop(&c->launcher->children, c);
}

void launch_remove_scope(const Child *c)
{
        sd_bus *bus = manager_bus(c->launcher->manager);

        if (bus && c->scope == SCOPE_THERE)
                (void)scope_stop(bus, c->unit);
}

/* Something is still there. The caller learns of the failure all the same; the child is kept, as the zombie
 * makes sure that systemd, when it gets to our request, does not find another process under this pid. */
static int on_remains(sd_event_source *s, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        (void)s;
        (void)usec;

        tell_failure(c);
        launch_remove_scope(c);
        manager_list(c->launcher->manager);
        return child_set_timer(c, REMAINS_USEC, on_remains);
}

/* The fault is set. */
static void begin_failing(Child *c)
{
        int r;

        if (c->state == CHILD_STARTING)
                launch_remove_scope(c);
        c->state = CHILD_FAILING;
        /* A process that is still to be made can be found at the gate only. */
        if (c->pid > 0 || c->exited)
                child_drop_gate(c);
        if (c->pid > 0 && !c->exited)
                (void)pidfd_signal(c->pidfd, SIGKILL);

        r = child_set_timer(c, REMAINS_USEC, on_remains);
        if (r < 0)
                child_log(c, LOG_ERR, "Cannot arm a timer: %s", strerror(-r));
        launch_settle(c);
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

void launch_cancel(Child *c)
{
        if (c->state == CHILD_EXECUTING || c->state == CHILD_FAILING)
                return;

        c->cancelled = true;
        launch_fail(c, FAULT_FAILED, "agenthost-launcher is executing itself again");
}
