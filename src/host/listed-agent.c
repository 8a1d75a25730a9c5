/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listed-agent.h"

#include <fcntl.h>

#include "agent-end.h"
#include "agent-restart.h"
#include "agent-start.h"
#include "host.h"
#include "log-agent.h"

/* Our state file is lost, the agent is not: shown is what the launcher knows. */
static Agent *build_unknown_agent(Host *host, const ListedAgent *agent)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        struct json_object *o = json_object_new_object();
        Agent *a = agent_new(host, agent->agent_id);
        const RuntimeInfo *runtime;

        a->name = g_strdup(agent->agent_id);
        a->class_name = g_strdup("");
        a->runtime = g_strdup(agent->runtime);
        if (runtimes_pick(host->runtimes, agent->runtime, "", host->config, host->paths, &runtime, &fault) >=
                0)
                a->stop_timeout_usec = runtime->stop_timeout_usec;
        fault_done(&fault);
        a->client_type = g_strdup("");
        a->ready = true; /* an agent that lived so long without us need not say it again */
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                a->texts[i] = g_strdup("{}");

        json_object_object_add(o, "id", json_object_new_string(agent->guild_id));
        if (guild_texts_take(host->guilds, json_object_to_json_string(o), &a->guild, &fault) < 0) {
                log_error("Agent %s, which runs without a state file, cannot be taken up: %s", a->id,
                        fault_text(&fault));
                a = agent_free(a);
        }
        json_object_put(o);
        return a;
}

static void take_up_unknown(Host *host, const ListedAgent *agent)
{
        Agent *a = build_unknown_agent(host, agent);

        if (!a)
                return;
        agent_log(a, LOG_WARNING,
                "Agent %s runs, but its state file is gone; its specs are not known any more", a->id);
        host_add(host, a);
        agent_launched(a, (pid_t)agent->pid, fcntl(agent->pidfd, F_DUPFD_CLOEXEC, 3));
}

/* Whether it is a former life, while the next one is asked for and the launcher has not begun with it. If it
 * is in doubt whether it has, it has: then only the answer has not come. */
static bool is_before_spawn(Agent *a, const ListedAgent *agent)
{
        if (!a->claim_call && !a->spawn_call)
                return false;
        if (a->spawn_call && launcher_call_is_in_doubt(a->spawn_call)) {
                a->spawn_call = launcher_call_free(a->spawn_call);
                return false;
        }

        if (agent->phase == LAUNCHER_ENDED_PHASE)
                launcher_sync_acknowledge(a->host->sync, agent->unit);
        return true;
}

void listed_agent_merge(const ListedAgent *agent, Host *host)
{
        Agent *a = g_hash_table_lookup(host->units, agent->unit);

        if (!a) {
                if (agent->phase == LAUNCHER_ENDED_PHASE)
                        host_agent_ended(host, agent->unit, &agent->end);
                else if (agent->phase != LAUNCHER_LAUNCHING)
                        take_up_unknown(host, agent);
                return;
        }
        if (is_before_spawn(a, agent))
                return;
        if (a->state == AGENT_RESTARTING && agent_restart_listed(a, agent->phase, &agent->end))
                return;
        if (agent->phase == LAUNCHER_LAUNCHING)
                return;

        if (!agent_has_ended(a))
                agent_found(a, (pid_t)agent->pid, fcntl(agent->pidfd, F_DUPFD_CLOEXEC, 3));
        if (agent->phase == LAUNCHER_ENDED_PHASE)
                host_agent_ended(host, agent->unit, &agent->end);
}

int listed_agent_read(sd_bus_message *m, ListedAgent *ret)
{
        int r;

        r = sd_bus_message_enter_container(m, 'r', LAUNCHER_LIST_ITEM);
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "ssssuhu", &ret->unit, &ret->agent_id, &ret->guild_id, &ret->runtime,
                &ret->pid, &ret->pidfd, &ret->phase);
        if (r >= 0)
                r = launcher_read_end(m, &ret->end);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}
