/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-wait.h"

#include "host.h"
#include "time-util.h"

struct AgentWait {
        Agent *agent; /* borrowed: the agent owns us */
        AgentWait *next;
        AgentEvent event;
        AgentWaitDone done;
        void *userdata;
        sd_event_source *timer; /* NULL: bounded by a timer of the agent's */
        uint64_t limit_usec;
};

static void wait_end(AgentWait *w, const Fault *fault)
{
        sd_event_source_disable_unref(w->timer);
        w->done(w->agent, fault, w->userdata);
        g_free(w);
}

static void wait_unlink(AgentWait *w)
{
        AgentWait **at = &w->agent->waits;

        while (*at != w)
                at = &(*at)->next;
        *at = w->next;
}

static int on_wait_timeout(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        char span[FORMAT_USEC_MAX];
        AgentWait *w = userdata;

        (void)s;
        (void)usec;

        fault_set(&fault, FAULT_STOP_TIMEOUT,
                "Agent %s has not ended within %s; look at its processes with '%s status %s'", w->agent->id,
                format_usec(span, sizeof(span), w->limit_usec), w->agent->host->paths->systemctl,
                w->agent->unit);
        wait_unlink(w);
        wait_end(w, &fault);
        return 0;
}

void agent_wait_add(Agent *a, AgentEvent event, uint64_t limit_usec, AgentWaitDone done, void *userdata)
{
        AgentWait *w = g_new0(AgentWait, 1);
        AgentWait **at = &a->waits;

        *w = (AgentWait){
                .agent = a,
                .event = event,
                .done = done,
                .userdata = userdata,
                .limit_usec = limit_usec,
        };
        if (limit_usec != USEC_INFINITY &&
                sd_event_add_time_relative(
                        a->host->event, &w->timer, CLOCK_MONOTONIC, limit_usec, 0, on_wait_timeout, w) < 0)
                g_error("Cannot arm a timer");

        while (*at)
                at = &(*at)->next;
        *at = w;
}

void agent_wait_extend(Agent *a, uint64_t usec)
{
        uint64_t limit = usec_add(usec, KILL_GRACE_USEC), until = usec_add(now_usec(CLOCK_MONOTONIC), limit),
                 armed;

        for (AgentWait *w = a->waits; w; w = w->next) {
                if (w->event != AGENT_EVENT_ENDED || !w->timer ||
                        sd_event_source_get_time(w->timer, &armed) < 0 || armed >= until)
                        continue;
                if (sd_event_source_set_time(w->timer, until) < 0)
                        g_error("Cannot arm a timer");
        }
}

void agent_wake(Agent *a, AgentEvent event, const Fault *fault)
{
        AgentWait *due = NULL, **due_end = &due;

        /* Taken off the list first: a callback may add waits. */
        for (AgentWait **at = &a->waits; *at;)
                if ((*at)->event == event) {
                        *due_end = *at;
                        *at = (*at)->next;
                        due_end = &(*due_end)->next;
                        *due_end = NULL;
                } else
                        at = &(*at)->next;

        while (due) {
                AgentWait *w = due;

                due = w->next;
                wait_end(w, fault);
        }
}

void agent_wait_drop_all(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!a->waits)
                return;

        fault_set(&fault, FAULT_FAILED, "agenthostd is stopping; the agent's fate is shown when it is back");
        while (a->waits) {
                AgentWait *w = a->waits;

                a->waits = w->next;
                wait_end(w, &fault);
        }
}
