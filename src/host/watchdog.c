/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "watchdog.h"

#include <signal.h>
#include <string.h>

#include "agent-bus.h"
#include "agent-stop.h"
#include "agent-wait.h"
#include "host-save.h"
#include "host.h"
#include "launcher-orders.h"
#include "log-agent.h"
#include "time-util.h"

/* Nobody minds a watchdog that is a little late, and many of them share a wake-up. */
#define ACCURACY_USEC (250 * USEC_PER_MSEC)

static bool is_on(const Agent *a)
{
        return a->state == AGENT_RUNNING && a->watchdog_usec > 0 && a->watchdog_usec != USEC_INFINITY;
}

static void arm(Agent *a, uint64_t at_usec, sd_event_time_handler_t handler)
{
        int r;

        agent_watchdog_end(a);
        r = sd_event_add_time(
                a->host->event, &a->watchdog_timer, CLOCK_MONOTONIC, at_usec, ACCURACY_USEC, handler, a);
        if (r < 0)
                g_error("Cannot arm a timer: %s", strerror(-r));
}

void agent_watchdog_end(Agent *a)
{
        a->watchdog_timer = sd_event_source_disable_unref(a->watchdog_timer);
}

/* Should the launcher be away, agent_watchdog_resume() comes here again when it is back. */
static int on_abort_took_too_long(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Agent *a = userdata;

        (void)s;
        (void)usec;

        agent_watchdog_end(a);
        a->watchdog_killed = true;
        (void)host_save(a->host, a);
        if (launcher_order_stop(a->host->launcher, a->unit, 0, &fault) < 0)
                agent_log(a, LOG_WARNING, "Agent %s cannot be killed now: %s", a->id, fault_text(&fault));
        return 0;
}

static void on_aborted(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        g_autofree char *id = userdata;

        (void)reply;

        if (fault)
                log_fields(LOG_WARNING, &(LogField){ "AGENT_ID", id }, 1,
                        "Agent %s could not be aborted: %s", id, fault_text(fault));
}

/* As systemd does it: the main process may leave a core dump, all else has until then. */
static void give_abort(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        char *id = g_strdup(a->id);

        if (agent_kill(a, "main", SIGABRT, on_aborted, id, &fault) < 0) {
                on_aborted(NULL, &fault, id);
                return;
        }
}

static void bite(Agent *a, const char *why)
{
        agent_log_id(
                a, LOG_ERR, MESSAGE_AGENT_WATCHDOG, "Watchdog of agent %s: %s; aborting it", a->id, why);

        a->watchdog_timed_out = true;
        a->abort_deadline_usec = usec_add(now_usec(CLOCK_MONOTONIC), a->stop_timeout_usec);
        a->start_timer = sd_event_source_disable_unref(a->start_timer);
        if (agent_enter_stopping(a))
                agent_bus_changed(a, AGENT_CHANGED_STATE);
        (void)host_save(a->host, a);

        give_abort(a);
        arm(a, a->abort_deadline_usec, on_abort_took_too_long);
}

static int on_watchdog(sd_event_source *s, uint64_t usec, void *userdata)
{
        char why[64 + FORMAT_USEC_MAX], span[FORMAT_USEC_MAX];
        Agent *a = userdata;
        int r;

        (void)usec;

        if (!is_on(a)) {
                agent_watchdog_end(a);
                return 0;
        }
        if (a->watchdog_deadline_usec > now_usec(CLOCK_MONOTONIC)) {
                r = sd_event_source_set_time(s, a->watchdog_deadline_usec);
                return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        }

        (void)snprintf(
                why, sizeof(why), "nothing heard for %s", format_usec(span, sizeof(span), a->watchdog_usec));
        bite(a, why);
        return 0;
}

void agent_watchdog_begin(Agent *a)
{
        uint64_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), a->watchdog_usec);

        if (a->watchdog_triggered) {
                a->watchdog_triggered = false;
                agent_watchdog_trigger(a);
                return;
        }
        if (!is_on(a))
                return;

        /* It may have asked for more. */
        a->watchdog_deadline_usec = MAX(a->watchdog_deadline_usec, deadline);
        arm(a, a->watchdog_deadline_usec, on_watchdog);
}

void agent_watchdog_resume(Agent *a)
{
        if (a->watchdog_timed_out && agent_is_alive(a))
                arm(a, a->abort_deadline_usec, on_abort_took_too_long);
        else
                agent_watchdog_begin(a);
}

void agent_watchdog_alive(Agent *a)
{
        a->watchdog_deadline_usec = usec_add(now_usec(CLOCK_MONOTONIC), a->watchdog_usec);
}

void agent_watchdog_trigger(Agent *a)
{
        if (agent_awaits_launch(a))
                a->watchdog_triggered = true;
        else if (a->state == AGENT_STARTING || a->state == AGENT_RUNNING)
                bite(a, "it has triggered it itself");
}

void agent_watchdog_set(Agent *a, uint64_t usec)
{
        if (usec == a->watchdog_usec)
                return;

        a->watchdog_usec = usec;
        a->watchdog_deadline_usec = 0;
        (void)host_save(a->host, a);
        if (is_on(a))
                agent_watchdog_begin(a);
        else if (!a->watchdog_timed_out)
                agent_watchdog_end(a);
}

static void extend_start(Agent *a, uint64_t until_usec)
{
        if (a->start_deadline_usec >= until_usec)
                return;

        a->start_deadline_usec = until_usec;
        (void)host_save(a->host, a);
        if (a->start_timer && sd_event_source_set_time(a->start_timer, until_usec) < 0)
                g_error("Cannot arm a timer");
}

/* Ours, if we have aborted it; else the launcher's. */
static void extend_stop(Agent *a, uint64_t usec, uint64_t until_usec)
{
        if (a->watchdog_timed_out && a->abort_deadline_usec < until_usec) {
                a->abort_deadline_usec = until_usec;
                if (a->watchdog_timer && sd_event_source_set_time(a->watchdog_timer, until_usec) < 0)
                        g_error("Cannot arm a timer");
        }
        if (a->stop_requested && !a->stop_time_given && a->stop_deadline_usec < until_usec) {
                a->stop_deadline_usec = until_usec;
                launcher_order_extend(a->host->launcher, a->unit, usec);
                agent_wait_extend(a, usec);
        }
        (void)host_save(a->host, a);
}

void agent_extend_timeout(Agent *a, uint64_t usec)
{
        uint64_t until = usec_add(now_usec(CLOCK_MONOTONIC), usec);

        if (a->state == AGENT_STOPPING)
                extend_stop(a, usec, until);
        else if (!a->ready)
                extend_start(a, until);
        else
                a->watchdog_deadline_usec = MAX(a->watchdog_deadline_usec, until);
}
