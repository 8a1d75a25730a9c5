/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-freeze.h"

#include <string.h>

#include "agent-bus.h"
#include "host-save.h"
#include "host.h"
#include "log-agent.h"
#include "proto/launcher.h"
#include "watchdog.h"

/* The launcher gives up before. */
#define FREEZE_CALL_LIMIT_USEC (LAUNCHER_FREEZE_LIMIT_USEC + 5 * USEC_PER_SEC)

/* Lives until the launcher has answered, which it does late, or not before its limit, where the agent has
 * ended meanwhile. */
struct Freezing {
        Agent *agent; /* borrowed; NULL: it has ended */
        bool freeze;
        FreezeDone done; /* NULL: nobody waits, or not any more */
        void *userdata;
};

static void answer(Freezing *f, const Fault *fault)
{
        if (f->done)
                f->done(fault, f->userdata);
        f->done = NULL;
}

static void become(Agent *a, bool frozen)
{
        bool changed = agent_enter_frozen(a, frozen);

        a->freeze_wanted = a->state == AGENT_FROZEN;
        (void)host_save(a->host, a);
        if (!changed)
                return;

        agent_log_id(a, LOG_INFO, frozen ? MESSAGE_AGENT_FROZEN : MESSAGE_AGENT_THAWED, "Agent %s is %s",
                a->id, frozen ? "frozen" : "thawed");
        agent_bus_changed(a, AGENT_CHANGED_STATE);
        if (frozen)
                agent_watchdog_end(a);
        else
                agent_watchdog_begin(a);
}

static void on_answered(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault own = FAULT_INIT;
        g_autofree Freezing *f = userdata;
        Agent *a = f->agent;

        (void)reply;

        if (!a) {
                answer(f, fault);
                return;
        }
        a->freezing = NULL;
        if (a->state == AGENT_STOPPING) {
                fault_set(&own, FAULT_FAILED, "Agent %s is being stopped", a->id);
                fault = &own;
        } else if (!fault) {
                become(a, f->freeze);
        } else {
                /* Without a connection it is not known; it is asked for again. */
                if (fault->kind != FAULT_LAUNCHER_UNAVAILABLE)
                        become(a, a->state == AGENT_FROZEN);
                agent_log(a, LOG_WARNING, "Agent %s could not be %s: %s", a->id,
                        f->freeze ? "frozen" : "thawed", fault_text(fault));
        }
        answer(f, fault);
}

static int ask(Agent *a, bool freeze, FreezeDone done, void *userdata, Fault *fault)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Freezing *f;
        int r;

        r = launcher_client_message(a->host->launcher, LAUNCHER_FREEZE, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_FREEZE_IN, a->unit, (int)freeze);
        if (r < 0)
                return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher cannot be reached (%s); see '%s status agenthost-launcher.service'",
                        strerror(-r), a->host->paths->systemctl);

        f = g_new0(Freezing, 1);
        *f = (Freezing){
                .agent = a,
                .freeze = freeze,
                .done = done,
                .userdata = userdata,
        };
        r = launcher_client_call(a->host->launcher, m, FREEZE_CALL_LIMIT_USEC, on_answered, f, NULL, fault);
        if (r < 0) {
                g_free(f);
                return r;
        }
        a->freezing = f;
        return 0;
}

int agent_freeze(Agent *a, bool freeze, FreezeDone done, void *userdata, Fault *fault)
{
        int r;

        if (a->state != AGENT_RUNNING && a->state != AGENT_FROZEN)
                return fault_set(fault, FAULT_FAILED,
                        "Agent %s is %s; only one that is running can be frozen, and only one that is frozen thawed",
                        a->id, agent_state_name(a->state));
        if (a->freezing)
                return fault_set(
                        fault, FAULT_FAILED, "Agent %s is just being frozen or thawed; try again", a->id);
        if (freeze == (a->state == AGENT_FROZEN)) {
                done(NULL, userdata);
                return 0;
        }

        r = ask(a, freeze, done, userdata, fault);
        if (r < 0)
                return r;
        a->freeze_wanted = freeze;
        (void)host_save(a->host, a);
        return 0;
}

void agent_freeze_let_go(Agent *a)
{
        if (a->freezing)
                a->freezing->agent = NULL;
        a->freezing = NULL;
}

/* Systemd forgets to answer for a unit that is gone. One that was thawed has ended of what it could do then.
 */
void agent_freeze_end(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Freezing *f = a->freezing;

        if (!f)
                return;
        agent_freeze_let_go(a);
        if (f->freeze)
                fault_set(&fault, FAULT_FAILED, "Agent %s has ended", a->id);
        answer(f, f->freeze ? &fault : NULL);
}

void agent_freeze_resume(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if ((a->state != AGENT_RUNNING && a->state != AGENT_FROZEN) || a->freezing ||
                a->freeze_wanted == (a->state == AGENT_FROZEN))
                return;
        if (ask(a, a->freeze_wanted, NULL, NULL, &fault) < 0)
                agent_log(a, LOG_WARNING, "Agent %s cannot be %s now: %s", a->id,
                        a->freeze_wanted ? "frozen" : "thawed", fault_text(&fault));
}
