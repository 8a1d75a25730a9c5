/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-restart.h"

#include <string.h>

#include "agent-bus.h"
#include "agent-end.h"
#include "agent-location.h"
#include "agent-start.h"
#include "agent-stop.h"
#include "drain.h"
#include "host-metrics.h"
#include "host-save.h"
#include "launcher-orders.h"
#include "log-agent.h"
#include "manager-bus.h"
#include "proto/names.h"
#include "time-util.h"

#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

/* What a Restart() may take, besides the agent's time to stop: to end the scope, and to launch. */
#define RESTART_LIMIT_USEC (KILL_GRACE_USEC + 60 * USEC_PER_SEC)

void agent_use_runtime(Agent *a, const RuntimeInfo *runtime)
{
        a->notify = runtime->notify;
        a->start_timeout_usec =
                a->timeout_option_usec > 0 ? a->timeout_option_usec : runtime->start_timeout_usec;
        a->stop_timeout_usec = runtime->stop_timeout_usec;
        a->watchdog_usec = runtime->watchdog_usec;
        a->restart = restart_policy_of(a->restart_option, runtime->restart);
        a->restart_usec = runtime->restart_usec;
        a->restart_max_usec = runtime->restart_max_usec;
}

static bool start_is_under_way(const Agent *a)
{
        return a->claim_call || a->spawn_call || a->start_elsewhere;
}

static void set_next_start(Agent *a, uint64_t at_usec)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        a->next_start_usec = at_usec;
        a->next_start_at_usec = at_usec == USEC_INFINITY
                ? USEC_INFINITY
                : now_usec(CLOCK_REALTIME) + (at_usec - MIN(now, at_usec));
}

/* After its time of waiting. */
static void schedule(Agent *a)
{
        uint64_t delay =
                restart_delay_usec(a->restart_usec, a->restart_max_usec, a->n_in_a_row, g_random_int());

        a->n_in_a_row++;
        a->has_turn = false;
        set_next_start(a, usec_add(now_usec(CLOCK_MONOTONIC), delay));
}

/* At once, whoever else is restarting. */
static void schedule_on_request(Agent *a)
{
        a->n_in_a_row = 0;
        a->has_turn = true;
        set_next_start(a, now_usec(CLOCK_MONOTONIC));
}

/* It will not be started again, which is told as an end of its own. */
static void give_up(Agent *a, const char *result, const Fault *fault)
{
        a->state = AGENT_FAILED;
        a->result = result;
        agent_log_id(a, LOG_ERR, MESSAGE_AGENT_GIVEN_UP, "Agent %s is not started any more: %s", a->id,
                fault_text(fault));
        a->next_start_at_usec = 0;
        a->restart_requested = a->has_turn = false;
        host_count_active(a->host, -1);
        agent_retain(a, fault);
}

bool agent_restart_failed(Agent *a, const Fault *fault)
{
        bool hopeless = restart_is_hopeless(fault->kind);
        char span[FORMAT_USEC_MAX];

        if (a->state != AGENT_RESTARTING || a->stop_requested)
                return false;

        a->restart_requested = false;
        a->start_doubted = fault->kind == FAULT_LAUNCHER_UNAVAILABLE;
        if (hopeless || a->restart == RESTART_NO) {
                give_up(a, hopeless ? "start-limit-hit" : "resources", fault);
                return true;
        }

        a->result = "resources";
        a->exit_status = -1;
        schedule(a);
        agent_log_id(a, LOG_WARNING, MESSAGE_AGENT_START_FAILED,
                "Agent %s could not be started again, next try in %s: %s", a->id,
                format_usec(span, sizeof(span), a->next_start_usec - now_usec(CLOCK_MONOTONIC)),
                fault_text(fault));
        (void)host_save(a->host, a);
        agent_bus_changed(a, AGENT_CHANGED_RESTARTING);
        agent_wake(a, AGENT_EVENT_LAUNCHED, fault);
        agent_restart_resume(a);
        return true;
}

static void begin_anew(Agent *a)
{
        if (!a->restart_requested)
                a->n_restarts++;
        a->next_start_at_usec = 0;
        a->start_deadline_usec = usec_add(now_usec(CLOCK_MONOTONIC), a->start_timeout_usec);
        g_clear_pointer(&a->status_text, g_free);
}

/* The launcher must have forgotten the last life, and that must have been written down, before the name can
 * be used again. */
static int try_start(Agent *a, Fault *fault)
{
        const Host *host = a->host;
        const RuntimeInfo *runtime;
        int r;

        r = runtimes_pick(
                host->runtimes, a->runtime, a->class_name, host->config, host->paths, &runtime, fault);
        if (r < 0)
                return r;

        agent_use_runtime(a, runtime);
        begin_anew(a);
        r = agent_save_and_acknowledge(a);
        if (r < 0)
                return fault_set(fault, FAULT_START_FAILED,
                        "its state file cannot be written below " STATE_DIR ": %s", strerror(-r));
        return 0;
}

static void start(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (try_start(a, &fault) < 0) {
                host_metrics_start_failed(a->host, fault.kind);
                (void)agent_restart_failed(a, &fault);
                return;
        }
        agent_bus_changed(a, AGENT_CHANGED_RESTARTING);
        agent_claim_and_spawn(a, false);
}

static int on_restart_due(sd_event_source *s, uint64_t usec, void *userdata)
{
        Agent *a = userdata;

        (void)s;
        (void)usec;

        a->restart_timer = sd_event_source_disable_unref(a->restart_timer);
        /* Else it goes on with agent_restart_resume(). */
        if (!launcher_sync_is_settled(a->host->sync))
                return 0;

        if (!a->has_turn) {
                uint64_t now = now_usec(CLOCK_MONOTONIC),
                         turn = restart_bucket_take(&a->host->restart_bucket, now);

                a->has_turn = true;
                if (turn > now) {
                        set_next_start(a, turn);
                        agent_bus_changed(a, AGENT_CHANGED_RESTARTING);
                        agent_restart_resume(a);
                        return 0;
                }
        }

        start(a);
        return 0;
}

void agent_restart_resume(Agent *a)
{
        int r;

        if (a->state != AGENT_RESTARTING || a->restart_timer || start_is_under_way(a) ||
                a->next_start_usec == USEC_INFINITY)
                return;

        r = sd_event_add_time(a->host->event, &a->restart_timer, CLOCK_MONOTONIC, a->next_start_usec,
                TIMER_ACCURACY_USEC, on_restart_due, a);
        if (r < 0)
                g_error("Cannot arm a timer: %s", strerror(-r));
}

static bool is_wanted(const Agent *a, bool requested)
{
        if (a->create_until_ready)
                return false;
        if (a->restart_requested)
                return true;
        return !requested && !a->stop_requested &&
                restart_policy_wants(a->restart, strcmp(a->result, "success") == 0);
}

static void log_scheduled(const Agent *a)
{
        char span[FORMAT_USEC_MAX];

        if (a->restart_requested)
                agent_log_id(a, LOG_INFO, MESSAGE_AGENT_RESTARTING,
                        "Agent %s is started again, as was asked for", a->id);
        else
                agent_log_id(a, LOG_INFO, MESSAGE_AGENT_RESTARTING, "Agent %s is started again in %s", a->id,
                        format_usec(span, sizeof(span), a->next_start_usec - now_usec(CLOCK_MONOTONIC)));
}

bool agent_restart_after_end(Agent *a, bool requested, const Fault *fault)
{
        bool ran_well = a->running_since_usec > 0 &&
                now_usec(CLOCK_MONOTONIC) - a->running_since_usec >= RESTART_RESET_USEC;

        if (!is_wanted(a, requested))
                return false;

        agent_enter_restarting(a);
        if (ran_well)
                a->n_in_a_row = 0;
        if (a->restart_requested)
                schedule_on_request(a);
        else
                schedule(a);
        log_scheduled(a);

        (void)agent_save_and_acknowledge(a);
        agent_bus_changed(a, AGENT_CHANGED_ENDED);
        manager_bus_exited(a->host, a);
        if (!a->restart_requested)
                agent_wake(a, AGENT_EVENT_LAUNCHED, fault);
        agent_wake(a, AGENT_EVENT_READY, fault);
        agent_restart_resume(a);
        return true;
}

/* Its stop has prevented a start that was under way. */
static void end_as_stopped(Agent *a)
{
        agent_log_id(a, LOG_INFO, MESSAGE_AGENT_NOT_RESTARTED,
                "Agent %s is stopped; it is not started again", a->id);
        agent_restart_withdraw(a);
        agent_wake(a, AGENT_EVENT_ENDED, NULL);
        host_forget(a->host, a);
}

/* The launcher lists an end also when we are just acknowledging it. */
static bool is_told(const Agent *a, const AgentEnd *end)
{
        return end->when_usec == a->exited_at_usec || end->when_usec == a->start_end_usec;
}

void agent_restart_told_end(Agent *a, const AgentEnd *end)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        bool told_before = is_told(a, end);

        a->start_end_usec = end->when_usec;
        (void)agent_save_and_acknowledge(a);
        if (told_before || a->claim_call || a->spawn_call)
                return;

        a->start_elsewhere = a->start_doubted = false;
        if (a->stop_requested) {
                end_as_stopped(a);
                return;
        }
        if (a->restart_timer)
                return;

        fault_set(&fault, FAULT_START_FAILED, "Agent %s was not started again; see '%s %s'", a->id,
                a->host->paths->journalctl, a->unit);
        (void)agent_restart_failed(a, &fault);
}

/* It may come to nothing, or the agent is executed while this is on its way: in both cases an end is told.
 */
static void stop_start(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        a->start_elsewhere = true;
        if (launcher_order_stop(a->host->launcher, a->unit, 0, &fault) < 0)
                agent_log(a, LOG_WARNING, "What may be left of agent %s cannot be stopped now: %s", a->id,
                        fault_text(&fault));
}

bool agent_restart_listed(Agent *a, LauncherPhase phase, const AgentEnd *end)
{
        if (a->claim_call || a->spawn_call)
                return true;
        if (phase == LAUNCHER_ENDED_PHASE && (a->start_doubted || is_told(a, end))) {
                agent_restart_told_end(a, end);
                return true;
        }
        if (a->start_doubted || (a->stop_requested && phase == LAUNCHER_LAUNCHING)) {
                stop_start(a);
                return true;
        }

        a->start_elsewhere = phase == LAUNCHER_LAUNCHING;
        return a->start_elsewhere;
}

void agent_restart_missing(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (a->claim_call || a->spawn_call)
                return;

        /* Of a start that the launcher died of, a process may be left that nobody knows. */
        (void)launcher_order_stop(a->host->launcher, a->unit, 0, &fault);
        a->start_elsewhere = a->start_doubted = false;
        if (a->stop_requested)
                end_as_stopped(a);
}

bool agent_restart_stop(Agent *a)
{
        if (a->state != AGENT_RESTARTING || start_is_under_way(a))
                return false;

        agent_log_id(a, LOG_INFO, MESSAGE_AGENT_NOT_RESTARTED,
                "Agent %s is stopped while it waits to be started again", a->id);
        if (a->start_doubted || !launcher_sync_is_settled(a->host->sync))
                launcher_sync_doubt(a->host->sync, a->unit);
        agent_restart_withdraw(a);
        host_forget(a->host, a);
        return true;
}

void agent_restart_withdraw(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!a->restart_requested)
                return;

        a->restart_requested = false;
        fault_set(&fault, FAULT_START_FAILED, "Agent %s was stopped before it was started again", a->id);
        agent_wake(a, AGENT_EVENT_LAUNCHED, &fault);
}

static int check_restart(const Agent *a, Fault *fault)
{
        const Host *host = a->host;

        if (a->state == AGENT_QUEUED || a->create_until_ready || start_is_under_way(a))
                return fault_set(fault, FAULT_FAILED,
                        "Agent %s is just being started; wait until its property State says so", a->id);
        if (a->stop_requested && !a->restart_requested && !agent_has_ended(a))
                return fault_set(fault, FAULT_FAILED,
                        "Agent %s is being stopped; create it again when it is gone", a->id);
        /* To start one that has ended is to take one more. */
        if (agent_has_ended(a) && host->drain.on)
                return host_check_draining(host, fault);
        if (agent_has_ended(a) && host->n_active >= host->config->max_agents)
                return fault_set(fault, FAULT_LIMIT_REACHED,
                        "Maximum number of processes (%u) reached; stop an agent, or raise MaxAgents=",
                        host->config->max_agents);
        return 0;
}

static void restart_ended(Agent *a)
{
        if (agent_has_ended(a)) {
                agent_enter_restarting(a);
                host_count_active(a->host, 1);
        }
        a->restart_requested = true;
        a->restart_timer = sd_event_source_disable_unref(a->restart_timer);
        schedule_on_request(a);
        log_scheduled(a);
        (void)host_save(a->host, a);
        agent_bus_changed(a, AGENT_CHANGED_ENDED);
        agent_restart_resume(a);
}

int host_restart_agent(Host *host, const char *id, AgentWaitDone done, void *userdata, Fault *fault)
{
        uint64_t limit = RESTART_LIMIT_USEC;
        Agent *a;
        int r;

        r = host_find_or_fault(host, id, &a, fault);
        if (r >= 0)
                r = check_restart(a, fault);
        if (r < 0)
                return r;

        if (agent_is_alive(a)) {
                r = agent_begin_stop(a, 0, fault);
                if (r < 0)
                        return r;
                limit = usec_add(limit, a->stop_timeout_usec);
                a->restart_requested = true;
                (void)host_save(host, a);
        } else
                restart_ended(a);

        agent_wait_add(a, AGENT_EVENT_LAUNCHED, limit, done, userdata);
        return 0;
}
