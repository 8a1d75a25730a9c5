/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <signal.h>
#include <string.h>

#include "escape.h"
#include "launcher.h"
#include "pidfd.h"

#define DEFAULT_STOP_TIMEOUT_USEC (10 * USEC_PER_SEC)

/* Timers of agents may be this late, so that many of them share a wake-up. */
#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

int child_new(Launcher *launcher,
        const char *unit,
        const char *agent_id,
        const char *guild_id,
        const char *runtime,
        Child **ret)
{
        _cleanup_(child_freep) Child *c = calloc(1, sizeof(Child));

        if (!c)
                return -ENOMEM;

        c->launcher = launcher;
        c->pidfd = c->gate = -EBADF;
        c->usage = CGROUP_USAGE_UNKNOWN;
        c->oom_level = "";
        c->unit = strdup(unit);
        c->agent_id = strdup(agent_id);
        c->guild_id = strdup(guild_id);
        c->runtime = strdup(runtime);
        if (!c->unit || !c->agent_id || !c->guild_id || !c->runtime)
                return -ENOMEM;

        child_set_runtime(c, NULL);
        *ret = steal_ptr(c);
        return 0;
}

Child *child_free(Child *c)
{
        if (!c)
                return NULL;

        if (c->has_stream)
                streams_give_back(&c->launcher->streams);
        child_drop_gate(c);
        sd_event_source_disable_unref(c->exit_source);
        sd_event_source_disable_unref(c->timer);
        sd_bus_slot_unref(c->start_slot);
        sd_bus_message_unref(c->call);
        sd_bus_message_unref(c->properties);
        oom_guild_leave(c->guild);
        close_fd(c->pidfd);
        fault_done(&c->fault);
        free(c->unit);
        free(c->slice);
        free(c->agent_id);
        free(c->guild_id);
        free(c->runtime);
        free(c);
        return NULL;
}

void child_freep(Child **c)
{
        *c = child_free(*c);
}

int child_join_guild(Child *c)
{
        int r;

        r = guild_slice_name(c->guild_id, &c->slice);
        if (r < 0)
                return r;

        c->guild = oom_guild_join(c->launcher->oom, c->slice);
        return 0;
}

void child_set_runtime(Child *c, const Runtime *runtime)
{
        c->stop_signal = runtime ? runtime->stop_signal : SIGTERM;
        c->stop_timeout_usec = runtime ? runtime->stop_timeout_usec : DEFAULT_STOP_TIMEOUT_USEC;
}

bool child_is_launching(const Child *c)
{
        return c->state <= CHILD_FAILING;
}

LauncherPhase child_phase(const Child *c)
{
        switch (c->state) {
        case CHILD_RUNNING:
                return LAUNCHER_RUNNING;
        case CHILD_STOPPING:
                return LAUNCHER_STOPPING;
        case CHILD_ENDED:
                return LAUNCHER_ENDED_PHASE;
        default:
                return LAUNCHER_LAUNCHING;
        }
}

int child_signal(const Child *c, int signal_number)
{
        return c->adoption ? -EAGAIN : pidfd_signal(c->pidfd, signal_number);
}

int child_set_timer(Child *c, uint64_t usec, sd_event_time_handler_t handler)
{
        child_drop_timer(c);
        if (usec == USEC_INFINITY)
                return 0;
        return sd_event_add_time_relative(
                c->launcher->event, &c->timer, CLOCK_MONOTONIC, usec, TIMER_ACCURACY_USEC, handler, c);
}

void child_drop_timer(Child *c)
{
        c->timer = sd_event_source_disable_unref(c->timer);
}

void child_drop_gate(Child *c)
{
        c->gate_source = sd_event_source_disable_unref(c->gate_source);
        c->gate = close_fd(c->gate);
        if (c->has_worker) {
                executor_release(c->launcher->executor);
                launcher_pace(c->launcher);
        }
        c->has_worker = false;
}
