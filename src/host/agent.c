/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <signal.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "agent-freeze.h"
#include "agent-wait.h"
#include "escape.h"
#include "launcher-client.h"
#include "proto/names.h"
#include "strv.h"
#include "time-util.h"

static const char *const state_names[_AGENT_STATE_MAX] = {
        [AGENT_QUEUED] = "queued",
        [AGENT_STARTING] = "starting",
        [AGENT_RUNNING] = "running",
        [AGENT_FROZEN] = "frozen",
        [AGENT_STOPPING] = "stopping",
        [AGENT_RESTARTING] = "restarting",
        [AGENT_EXITED] = "exited",
        [AGENT_FAILED] = "failed",
        [AGENT_LOST] = "lost",
};

const char *agent_state_name(AgentState state)
{
        return state_names[state];
}

AgentState agent_state_from_name(const char *name)
{
        AgentState s = 0;

        while (s < _AGENT_STATE_MAX && strcmp(state_names[s], name) != 0)
                s++;
        return s;
}

const char *agent_result_intern(const char *result)
{
        static const char *const results[] = {
                "success",
                "exit-code",
                "signal",
                "core-dump",
                "oom-kill",
                "timeout",
                "watchdog",
                "start-limit-hit",
                "resources",
                "protocol",
                "lost",
        };

        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (strcmp(results[i], result) == 0)
                        return results[i];
        return "lost";
}

const char *agent_oom_level_intern(const char *level)
{
        static const char *const levels[] = { "agent", "guild", "fleet", "host" };

        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(levels[i], level) == 0)
                        return levels[i];
        return "";
}

Agent *agent_new(Host *host, const char *id)
{
        Agent *a = g_new0(Agent, 1);

        *a = (Agent){
                .host = host,
                .id = g_strdup(id),
                .state = AGENT_QUEUED,
                .result = "success",
                .oom_level = "",
                .usage = CGROUP_USAGE_UNKNOWN,
                .pidfd = -EBADF,
                .location = LOCATION_OFF,
                .location_told = LOCATION_OFF,
        };
        if (agent_unit_name(id, &a->unit) < 0 || sd_bus_path_encode(AGENT_PATH_PREFIX, id, &a->path) < 0)
                g_error("Out of memory");

        return a;
}

Agent *agent_free(Agent *a)
{
        if (!a)
                return NULL;

        agent_wait_drop_all(a);
        agent_freeze_let_go(a);
        a->claim_call = registry_call_free(a->claim_call);
        a->spawn_call = launcher_call_free(a->spawn_call);
        sd_event_source_disable_unref(a->start_timer);
        sd_event_source_disable_unref(a->tell_status);
        sd_event_source_disable_unref(a->restart_timer);
        sd_event_source_disable_unref(a->watchdog_timer);
        close_fd(a->pidfd);
        guild_text_unref(a->guild);
        strv_free(a->environment);
        g_clear_pointer(&a->unit_properties, g_variant_unref);
        json_object_put(a->unknown_fields);
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                g_free(a->texts[i]);
        g_free(a->status_text);
        g_free(a->client_type);
        g_free(a->client_type_option);
        g_free(a->runtime_option);
        g_free(a->request_id);
        free(a->path);
        free(a->unit);
        g_free(a->runtime);
        g_free(a->class_name);
        g_free(a->name);
        g_free(a->id);
        g_free(a);
        return NULL;
}

bool agent_has_ended(const Agent *a)
{
        return a->state >= AGENT_EXITED;
}

bool agent_is_alive(const Agent *a)
{
        return a->state >= AGENT_STARTING && a->state <= AGENT_STOPPING;
}

bool agent_awaits_launch(const Agent *a)
{
        return a->state == AGENT_QUEUED || a->state == AGENT_RESTARTING;
}

void agent_enter_launched(Agent *a, pid_t pid, int pidfd, uint64_t now_realtime_usec)
{
        a->pid = pid;
        close_fd(a->pidfd);
        a->pidfd = pidfd;
        if (!agent_awaits_launch(a))
                return;

        a->state = AGENT_STARTING;
        a->result = "success";
        a->exit_status = 0;
        a->ready_at_usec = a->exited_at_usec = a->next_start_at_usec = 0;
        a->restart_requested = a->start_doubted = a->start_elsewhere = a->has_turn = false;
        a->oom_level = "";
        a->usage = CGROUP_USAGE_UNKNOWN;
        if (!a->notify || a->ready) {
                a->ready = false;
                agent_enter_ready(a, now_realtime_usec);
        }
        if (a->stopping_early)
                agent_enter_stopping(a);
}

bool agent_enter_ready(Agent *a, uint64_t now_realtime_usec)
{
        if (a->ready || agent_has_ended(a))
                return false;

        a->ready = true;
        /* The message can overtake the launcher's answer: agent_enter_launched() looks at it. */
        if (agent_awaits_launch(a))
                return false;

        a->create_until_ready = false;
        a->ready_at_usec = now_realtime_usec;
        a->running_since_usec = now_usec(CLOCK_MONOTONIC);
        if (a->state == AGENT_STARTING)
                a->state = AGENT_RUNNING;
        return true;
}

bool agent_enter_stopping(Agent *a)
{
        if (a->state == AGENT_STOPPING || !agent_is_alive(a))
                return false;

        a->state = AGENT_STOPPING;
        return true;
}

bool agent_enter_frozen(Agent *a, bool frozen)
{
        if (a->state != (frozen ? AGENT_RUNNING : AGENT_FROZEN))
                return false;

        a->state = frozen ? AGENT_FROZEN : AGENT_RUNNING;
        return true;
}

void agent_enter_restarting(Agent *a)
{
        a->state = AGENT_RESTARTING;
        a->pid = 0;
        a->pidfd = close_fd(a->pidfd);
        a->ready = a->stopping_early = a->stop_requested = a->stop_cut_off = a->stop_time_given = false;
        a->start_timed_out = a->watchdog_timed_out = a->watchdog_killed = a->freeze_wanted = false;
        a->create_until_ready = a->watchdog_triggered = false;
        a->stop_deadline_usec = a->abort_deadline_usec = a->watchdog_deadline_usec = a->running_since_usec =
                a->forget_at_usec = 0;
}

bool agent_end_is_requested(const Agent *a, const AgentEnd *end)
{
        bool killed = a->start_timed_out || a->watchdog_killed;

        return (end->requested || a->stop_cut_off) && (!killed || a->stop_requested);
}

void agent_enter_ended(Agent *a, const AgentEnd *end)
{
        bool requested = agent_end_is_requested(a, end);
        bool killed = a->start_timed_out || a->watchdog_timed_out;

        a->exited_at_usec = end->when_usec;
        a->exit_status = end->status;
        a->result = end->result;
        a->usage = end->usage;
        a->stop_requested = a->stop_requested || requested;

        if (a->start_timed_out)
                a->result = "timeout";
        else if (a->watchdog_timed_out && !requested)
                a->result = "watchdog";
        else if (!requested && a->notify && !a->ready && strcmp(end->result, "success") == 0)
                a->result = "protocol";

        a->oom_level = strcmp(a->result, "oom-kill") == 0 ? end->oom_level : "";

        if (strcmp(a->result, "lost") == 0)
                a->state = AGENT_LOST;
        else if (end->code == CLD_EXITED && !killed)
                a->state = AGENT_EXITED;
        else
                a->state = AGENT_FAILED;
}

bool agent_is_same_request(
        const Agent *a, const char *id, const GuildText *guild, const char *const texts[_AGENT_TEXT_MAX])
{
        if (strcmp(a->id, id) != 0 || a->guild != guild)
                return false;

        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                if (g_strcmp0(a->texts[i], texts[i]) != 0)
                        return false;
        return true;
}
