/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-location.h"

#include "agent-bus.h"
#include "agent-start.h"
#include "agent-stop.h"
#include "log-agent.h"
#include "time-util.h"

static void spawn(Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (agent_spawn(a, &fault) < 0)
                agent_launch_failed(a, &fault);
}

static void on_claimed(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Agent *a = userdata;

        (void)answer;

        if (fault && (fault->kind != FAULT_REGISTRY_UNAVAILABLE || a->claim_needed)) {
                agent_launch_failed(a, fault);
                return;
        }
        /* That the registry is away has been said. */
        if (fault)
                agent_log(a, LOG_DEBUG, "Agent %s is started without a claim on its id: %s", a->id,
                        fault_text(fault));
        a->in_registry = !fault;
        a->claim_needed = false;
        spawn(a);
}

void agent_claim_and_spawn(Agent *a, bool takeover)
{
        a->launch_begun_usec = now_usec(CLOCK_MONOTONIC);
        if (a->in_registry)
                spawn(a);
        else
                registry_claim(a->host->registry, a->id, takeover, on_claimed, a, &a->claim_call);
}

bool agent_claim_withdraw(Agent *a)
{
        if (!a->claim_call)
                return false;

        a->claim_call = registry_call_free(a->claim_call);
        return true;
}

void agent_location_put(Agent *a)
{
        a->location = registry_put(a->host->registry, a->id);
        a->in_registry = true;
        if (a->reschedule)
                registry_keep_spec(a->host->registry, a->id);
}

void agent_location_drop(Agent *a)
{
        if (!a->in_registry)
                return;

        a->in_registry = false;
        a->location = LOCATION_OFF;
        registry_drop(a->host->registry, a->id);
}

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        g_autofree char *id = userdata;

        (void)stopped;

        if (fault)
                log_fields(LOG_WARNING, &(LogField){ "AGENT_ID", id }, 1,
                        "Agent %s, which another host has too, cannot be stopped: %s", id,
                        fault_text(fault));
}

static void meet_conflict(Agent *a, const RegistryConflict *conflict)
{
        bool stop =
                a->host->config->on_conflict == ON_CONFLICT_STOP && conflict->alive && !a->stop_requested;

        agent_log_id(a, LOG_WARNING, MESSAGE_AGENT_LOST_LOCATION,
                "Agent %s has its location on host %s now, which is %s; it %s", a->id, conflict->address,
                conflict->alive ? "alive" : "not known to be alive",
                stop ? "is stopped here (OnConflict=stop)" : "runs on here too");
        if (stop)
                host_stop_agent(a->host, a->id, 0, on_stopped, g_strdup(a->id));
}

void host_location_changed(Host *host, const char *id, LocationState state, const RegistryConflict *conflict)
{
        Agent *a = host_find(host, id);

        if (!a || !a->in_registry)
                return;

        a->location = state;
        agent_bus_changed(a, AGENT_CHANGED_LOCATION);
        if (state == LOCATION_LOST)
                meet_conflict(a, conflict);
}
