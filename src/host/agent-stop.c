/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-stop.h"

#include <signal.h>
#include <string.h>

#include "agent-bus.h"
#include "agent-end.h"
#include "agent-location.h"
#include "agent-restart.h"
#include "agent-start.h"
#include "agent-wait.h"
#include "host-registry.h"
#include "host-save.h"
#include "launcher-orders.h"
#include "log-agent.h"
#include "proto/names.h"
#include "strv.h"
#include "time-util.h"

#define KILL_CALL_LIMIT_USEC (10 * USEC_PER_SEC)

typedef struct Stop {
        Host *host;
        StopDone done;
        void *userdata;
} Stop;

static Stop *stop_new(Host *host, StopDone done, void *userdata)
{
        Stop *stop = g_new0(Stop, 1);

        *stop = (Stop){ .host = host, .done = done, .userdata = userdata };
        return stop;
}

static void on_released(void *userdata)
{
        g_autofree Stop *stop = userdata;

        stop->done(true, NULL, stop->userdata);
}

/* Who is told that it is stopped may start it on another host, where nothing is to say that it is here. */
static void stop_succeeded(Stop *stop)
{
        host_registry_flush(stop->host, on_released, stop);
}

static void on_ended(Agent *a, const Fault *fault, void *userdata)
{
        Stop *stop = userdata;

        (void)a;

        if (!fault) {
                stop_succeeded(stop);
                return;
        }
        stop->done(false, fault, stop->userdata);
        g_free(stop);
}

/* Written down, so that it is known also to a later life of ours. */
static void become_stopping(Agent *a)
{
        bool changed = agent_enter_stopping(a);

        (void)host_save(a->host, a);
        if (!changed)
                return;
        agent_log_id(a, agent_event_level(a), MESSAGE_AGENT_STOPPING, "Agent %s is being stopped", a->id);
        agent_bus_changed(a, AGENT_CHANGED_STATE);
}

/* As the launcher does it, which may have to be told again: a further stop can shorten the time, not
 * lengthen it. */
static bool note_deadline(Agent *a, uint64_t timeout_usec)
{
        uint64_t deadline =
                usec_add(now_usec(CLOCK_MONOTONIC), timeout_usec > 0 ? timeout_usec : a->stop_timeout_usec);

        if (a->stop_deadline_usec > 0 && a->stop_deadline_usec <= deadline)
                return false;

        a->stop_deadline_usec = deadline;
        return true;
}

int agent_begin_stop(Agent *a, uint64_t timeout_usec, Fault *fault)
{
        int r;

        r = launcher_order_stop(
                a->host->launcher, a->unit, timeout_usec > 0 ? timeout_usec : USEC_INFINITY, fault);
        if (r < 0)
                return r;

        if (note_deadline(a, timeout_usec) || !a->stop_requested || a->state != AGENT_STOPPING) {
                a->stop_requested = true;
                a->stop_time_given = timeout_usec > 0;
                become_stopping(a);
        }
        return 0;
}

/* The launcher has not been asked yet. */
static bool stop_before_launch(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!agent_claim_withdraw(a) || a->state != AGENT_QUEUED)
                return false;

        a->stop_requested = true;
        fault_set(&fault, FAULT_START_FAILED, "Agent %s was stopped before it was launched", a->id);
        agent_launch_failed(a, &fault);
        return true;
}

static bool forget_ended(Agent *a)
{
        if (!agent_has_ended(a))
                return false;
        host_forget(a->host, a);
        return true;
}

void host_stop_agent(Host *host, const char *id, uint64_t timeout_usec, StopDone done, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Agent *a = host_find(host, id);

        if (!a) {
                done(false, NULL, userdata);
                return;
        }
        if (forget_ended(a) || stop_before_launch(a) || agent_restart_stop(a)) {
                stop_succeeded(stop_new(host, done, userdata));
                return;
        }
        if (agent_begin_stop(a, timeout_usec, &fault) < 0) {
                done(false, &fault, userdata);
                return;
        }
        agent_restart_withdraw(a);
        agent_wait_add(a, AGENT_EVENT_ENDED,
                usec_add(timeout_usec > 0 ? timeout_usec : a->stop_timeout_usec, KILL_GRACE_USEC), on_ended,
                stop_new(host, done, userdata));
}

typedef struct Shutdown {
        ShutdownDone done;
        void *userdata;
        unsigned n_waiting;
        unsigned n_stopped;
        Fault fault; /* the first */
} Shutdown;

static void shutdown_step(Shutdown *s)
{
        if (--s->n_waiting > 0)
                return;

        s->done(s->n_stopped, s->fault.kind == FAULT_NONE ? NULL : &s->fault, s->userdata);
        fault_done(&s->fault);
        g_free(s);
}

static void on_one_stopped(bool stopped, const Fault *fault, void *userdata)
{
        Shutdown *s = userdata;

        if (stopped)
                s->n_stopped++;
        if (fault)
                fault_set(&s->fault, fault->kind, "%s", fault_text(fault));
        shutdown_step(s);
}

void host_stop_active(Host *host, uint64_t timeout_usec, ShutdownDone done, void *userdata)
{
        g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
        Shutdown *s = g_new0(Shutdown, 1);
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value))
                if (!agent_has_ended(value))
                        g_ptr_array_add(ids, g_strdup(((Agent *)value)->id));

        /* One more than agents: the answer comes after the loop also when all are answered at once. */
        *s = (Shutdown){ .done = done, .userdata = userdata, .n_waiting = ids->len + 1 };
        for (guint k = 0; k < ids->len; k++)
                host_stop_agent(host, ids->pdata[k], timeout_usec, on_one_stopped, s);
        shutdown_step(s);
}

void host_shutdown_agents(Host *host, uint64_t timeout_usec, ShutdownDone done, void *userdata)
{
        strv_free(host_cleanup_dead(host));
        host_stop_active(host, timeout_usec, done, userdata);
}

int agent_kill(Agent *a, const char *who, int signal_number, LauncherDone done, void *userdata, Fault *fault)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (strcmp(who, "main") != 0 && strcmp(who, "all") != 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "who must be 'main' or 'all', not '%s'", who);
        if (signal_number < 1 || signal_number > SIGRTMAX)
                return fault_set(fault, FAULT_INVALID_ARGS, "Signal %d is not between 1 and %d",
                        signal_number, SIGRTMAX);
        if (!agent_is_alive(a))
                return fault_set(fault, FAULT_NO_SUCH_AGENT, "Agent %s is not running", a->id);

        r = launcher_client_message(a->host->launcher, LAUNCHER_KILL, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_KILL_IN, a->unit, who, signal_number);
        if (r < 0)
                return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE, "The signal cannot be asked for: %s",
                        strerror(-r));
        return launcher_client_call(a->host->launcher, m, KILL_CALL_LIMIT_USEC, done, userdata, NULL, fault);
}

void agent_says_stopping(Agent *a)
{
        if (agent_awaits_launch(a))
                a->stopping_early = true;
        else if (agent_is_alive(a) && a->state != AGENT_STOPPING)
                become_stopping(a);
}
