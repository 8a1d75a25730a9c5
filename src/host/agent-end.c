/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-end.h"

#include <signal.h>
#include <string.h>

#include "agent-bus.h"
#include "agent-freeze.h"
#include "agent-location.h"
#include "agent-restart.h"
#include "agent-start.h"
#include "agent-wait.h"
#include "host-metrics.h"
#include "host-save.h"
#include "log-agent.h"
#include "manager-bus.h"
#include "proto/names.h"
#include "strv.h"
#include "time-util.h"
#include "watchdog.h"

#define RETAINED_MAX 1000u

/* Ended agents do not wake anybody at the second. */
#define FORGET_ACCURACY_USEC USEC_PER_SEC

static void describe_end(const AgentEnd *end, char *buffer, size_t size)
{
        if (end->code == CLD_EXITED)
                (void)snprintf(buffer, size, "exited with status %d", end->status);
        else if (end->code == CLD_KILLED || end->code == CLD_DUMPED)
                (void)snprintf(buffer, size, "was killed by signal %d (SIG%s)", end->status,
                        sigabbrev_np(end->status) ? sigabbrev_np(end->status) : "?");
        else
                (void)snprintf(buffer, size, "ended, and how is not known");
}

/* What those are told who still wait for the start. */
static void start_fault(const Agent *a, const AgentEnd *end, Fault *fault)
{
        const char *journalctl = a->host->paths->journalctl;
        char how[96], span[FORMAT_USEC_MAX];

        if (a->start_timed_out) {
                fault_set(fault, FAULT_START_TIMEOUT, "Agent %s failed to start within %s%s%s; see '%s %s'",
                        a->id, format_usec(span, sizeof(span), a->start_timeout_usec),
                        a->status_text ? "; its last status: " : "", a->status_text ? a->status_text : "",
                        journalctl, a->unit);
                return;
        }
        if (end->requested) {
                fault_set(fault, FAULT_START_FAILED, "Agent %s was stopped before it was ready", a->id);
                return;
        }

        describe_end(end, how, sizeof(how));
        fault_set(fault, FAULT_START_FAILED, "Agent %s %s before it was ready%s%s; see '%s %s'", a->id, how,
                a->status_text ? "; its last status: " : "", a->status_text ? a->status_text : "",
                journalctl, a->unit);
}

static uint64_t retain_usec(const Agent *a)
{
        const Config *c = a->host->config;

        return strcmp(a->result, "success") == 0 ? c->retain_usec : c->retain_failed_usec;
}

static int on_forget(sd_event_source *s, uint64_t usec, void *userdata)
{
        g_autoptr(GPtrArray) due = g_ptr_array_new();
        Host *host = userdata;
        GHashTableIter i;
        gpointer value;

        (void)s;

        host->forget_timer = sd_event_source_disable_unref(host->forget_timer);
        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (agent_has_ended(a) && a->forget_at_usec <= usec + FORGET_ACCURACY_USEC)
                        g_ptr_array_add(due, a);
        }
        for (guint k = 0; k < due->len; k++)
                host_forget(host, due->pdata[k]);

        host_arm_forget_timer(host);
        return 0;
}

static void arm_forget_timer_at(Host *host, uint64_t at_usec)
{
        uint64_t armed;
        int r;

        if (host->forget_timer && sd_event_source_get_time(host->forget_timer, &armed) >= 0 &&
                armed <= at_usec)
                return;

        host->forget_timer = sd_event_source_disable_unref(host->forget_timer);
        r = sd_event_add_time(host->event, &host->forget_timer, CLOCK_MONOTONIC, at_usec,
                FORGET_ACCURACY_USEC, on_forget, host);
        if (r < 0)
                g_error("Cannot arm a timer: %s", strerror(-r));
}

void host_arm_forget_timer(Host *host)
{
        uint64_t first = USEC_INFINITY;
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (agent_has_ended(a) && a->forget_at_usec < first)
                        first = a->forget_at_usec;
        }
        if (first != USEC_INFINITY)
                arm_forget_timer_at(host, first);
}

static void forget_oldest(Host *host)
{
        Agent *oldest = NULL;
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (agent_has_ended(a) && (!oldest || a->exited_at_usec < oldest->exited_at_usec))
                        oldest = a;
        }
        if (oldest)
                host_forget(host, oldest);
}

/* The launcher is told only when it stands in the file: until then the zombie is the record. */
int agent_save_and_acknowledge(Agent *a)
{
        int r = host_save(a->host, a);

        if (r >= 0)
                launcher_sync_acknowledge(a->host->sync, a->unit);
        else
                launcher_sync_again(a->host->sync);
        return r;
}

/* Everybody is told; those who waited for a start, that it will not come. */
static void tell_end(Agent *a, const Fault *fault)
{
        manager_bus_exited(a->host, a);
        agent_wake(a, AGENT_EVENT_LAUNCHED, fault);
        agent_wake(a, AGENT_EVENT_READY, fault);
        agent_wake(a, AGENT_EVENT_ENDED, NULL);
}

void agent_retain(Agent *a, const Fault *fault)
{
        Host *host = a->host;

        a->forget_at_usec = usec_add(now_usec(CLOCK_MONOTONIC), retain_usec(a));
        (void)agent_save_and_acknowledge(a);
        agent_location_drop(a);
        agent_bus_changed(a, AGENT_CHANGED_ENDED);
        tell_end(a, fault);
        arm_forget_timer_at(host, a->forget_at_usec);
        if (g_hash_table_size(host->agents) - host->n_active > RETAINED_MAX)
                forget_oldest(host);
}

static void remove_stopped(Agent *a, const Fault *fault)
{
        store_remove(a->host->store, a);
        launcher_sync_acknowledge(a->host->sync, a->unit);
        agent_location_drop(a);
        tell_end(a, fault);
        host_forget(a->host, a);
}

static void log_end(const Agent *a, const AgentEnd *end, bool asked)
{
        char how[96];

        describe_end(end, how, sizeof(how));
        agent_log_id(a, asked || strcmp(a->result, "success") == 0 ? LOG_INFO : LOG_WARNING,
                MESSAGE_AGENT_ENDED, "Agent %s %s%s (%s)", a->id, how,
                asked ? " after a requested stop" : "", a->result);
}

static void agent_ended(Agent *a, const AgentEnd *end)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        bool requested = agent_end_is_requested(a, end);
        Host *host = a->host;

        a->start_timer = sd_event_source_disable_unref(a->start_timer);
        agent_watchdog_end(a);
        agent_freeze_end(a);
        host_unbind_pid(host, a);
        agent_enter_ended(a, end);
        log_end(a, end, requested);
        start_fault(a, end, &fault);
        host_metrics_ended(a, requested);
        if (!requested && !a->ready)
                host_metrics_start_failed(host, fault.kind);

        if (agent_restart_after_end(a, requested, &fault))
                return;
        host_count_active(host, -1);
        if (requested)
                remove_stopped(a, &fault);
        else
                agent_retain(a, &fault);
}

/* A launch that an earlier life of ours asked for has failed: whom to tell why is not known any more. */
static void launch_cut_off(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_START_FAILED, "Agent %s was not launched; see '%s agenthost-launcher'",
                a->id, a->host->paths->journalctl);
        launcher_sync_acknowledge(a->host->sync, a->unit);
        agent_launch_failed(a, &fault);
}

void host_agent_ended(Host *host, const char *unit, const AgentEnd *end)
{
        Agent *a = g_hash_table_lookup(host->units, unit);

        if (!a) {
                log_info("%s has ended (%s); nobody here knows it any more", unit, end->result);
                launcher_sync_acknowledge(host->sync, unit);
                return;
        }
        /* A former one of this id: the next has not been asked for yet. */
        if (a->claim_call && a->state == AGENT_QUEUED) {
                launcher_sync_acknowledge(host->sync, unit);
                return;
        }
        if (agent_has_ended(a)) {
                (void)agent_save_and_acknowledge(a);
                return;
        }
        if (a->state == AGENT_QUEUED) {
                launch_cut_off(a);
                return;
        }
        if (a->state == AGENT_RESTARTING) {
                agent_restart_told_end(a, end);
                return;
        }

        agent_ended(a, end);
}

char **host_cleanup_dead(Host *host)
{
        g_autoptr(GPtrArray) dead = g_ptr_array_new();
        char **ids;
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value))
                if (agent_has_ended(value))
                        g_ptr_array_add(dead, value);

        ids = calloc(dead->len + 1, sizeof(char *));
        if (!ids)
                g_error("Out of memory");
        for (guint k = 0; k < dead->len; k++) {
                Agent *a = dead->pdata[k];

                ids[k] = strdup(a->id);
                if (!ids[k])
                        g_error("Out of memory");
                host_forget(host, a);
        }
        return ids;
}
