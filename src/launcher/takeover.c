/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "takeover.h"

#include <string.h>
#include <sys/wait.h>

#include "end.h"
#include "exits.h"
#include "pidfd.h"
#include "stop.h"
#include "strv.h"

static HandoverAgent describe(const Child *c)
{
        return (HandoverAgent){
                .unit = c->unit,
                .agent_id = c->agent_id,
                .guild_id = c->guild_id,
                .runtime = c->runtime,
                .scope_result = c->scope_result,
                .pid = c->pid,
                .pidfd = c->pidfd,
                .job = c->job,
                .adopted = c->adopted,
                .has_stream = c->has_stream,
                .requested = c->requested,
                .removing = c->removing,
                .stopping = c->state == CHILD_STOPPING,
                .exited = c->exited,
                .ended = c->state == CHILD_ENDED,
                .code = c->code,
                .status = c->status,
                .stop_deadline_usec = c->stop_deadline_usec,
                .ended_at_usec = c->ended_at_usec,
                .measured = c->measured,
                .memory_peak = c->usage.memory_peak,
                .cpu_nsec = c->usage.cpu_nsec,
                .oom_known = c->oom.known,
                .oom = c->oom.oom,
                .oom_level = c->oom_level,
        };
}

int takeover_collect(const Launcher *l, Handover *ret)
{
        _cleanup_(handover_done) Handover h = { .version = AGENTHOST_VERSION };
        _cleanup_free_ Child **children = NULL;
        size_t n;
        int r;

        r = child_table_list(&l->children, &children, &n);
        if (r < 0)
                return r;
        h.agents = calloc(n + 1, sizeof(HandoverAgent));
        h.strays = calloc(strv_length(l->strays) + 1, sizeof(char *));
        if (!h.agents || !h.strays)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++)
                if (!child_is_launching(children[i]) && !children[i]->adoption)
                        h.agents[h.n_agents++] = describe(children[i]);
        for (char **unit = l->strays; unit && *unit; unit++)
                h.strays[h.n_strays++] = *unit;

        *ret = h;
        h = (Handover){ 0 };
        return 0;
}

/* That the number is that of the agent's pidfd: dead children of ours keep their pid, those of PID 1 may
 * have lost theirs. */
static int check_process(const HandoverAgent *agent)
{
        siginfo_t info;
        pid_t pid;
        int r;

        r = pidfd_get_pid(agent->pidfd, &pid);
        if (agent->adopted)
                return r == -ESRCH ? 0 : r < 0 ? r : pid == agent->pid ? 0 : -EBADF;
        if (r < 0)
                return r;
        if (pid != agent->pid)
                return -EBADF;
        return waitid(P_PIDFD, (id_t)agent->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ? -errno : 0;
}

static int build(Launcher *l, const HandoverAgent *agent, Child **ret)
{
        _cleanup_(child_freep) Child *c = NULL;
        int r;

        r = child_new(l, agent->unit, agent->agent_id, agent->guild_id, agent->runtime, &c);
        if (r < 0)
                return r;
        r = child_join_guild(c);
        if (r < 0)
                return r;

        child_set_runtime(c, runtime_set_find(l->runtimes, agent->runtime));
        c->state = agent->ended ? CHILD_ENDED : agent->stopping ? CHILD_STOPPING : CHILD_RUNNING;
        c->scope = agent->ended ? SCOPE_GONE : SCOPE_THERE;
        c->unheard = !agent->ended;
        c->scope_result = agent->scope_result ? exit_intern_scope_result(agent->scope_result) : NULL;
        c->pid = agent->pid;
        c->job = agent->job;
        c->adopted = agent->adopted;
        c->requested = agent->requested;
        c->removing = agent->removing;
        c->exited = agent->exited;
        c->code = agent->code;
        c->status = agent->status;
        c->stop_deadline_usec = agent->stop_deadline_usec;
        c->ended_at_usec = agent->ended_at_usec;
        c->measured = agent->measured;
        c->usage = (CgroupUsage){ agent->memory_peak, agent->cpu_nsec };
        c->oom = (OomCounts){ agent->oom_known, agent->oom };
        c->oom_level = oom_level_intern(agent->oom_level);
        c->told = true;
        *ret = steal_ptr(c);
        return 0;
}

/* What was going on goes on. A scope that has gone meanwhile is missed in the next listing. */
static int resume(Child *c, bool has_stream)
{
        int r = 0;

        c->has_stream = has_stream && streams_take(&c->launcher->streams);
        if (c->exited)
                return 0;

        r = end_watch(c);
        return r < 0 ? r : stop_resume(c);
}

static int restore(Launcher *l, const HandoverAgent *agent)
{
        _cleanup_close_ int pidfd = agent->pidfd;
        _cleanup_(child_freep) Child *c = NULL;
        int r;

        r = check_process(agent);
        if (r < 0)
                return r;
        r = build(l, agent, &c);
        if (r < 0)
                return r;
        c->pidfd = steal_fd(&pidfd);
        r = resume(c, agent->has_stream);
        if (r < 0)
                return r;
        r = child_table_add(&l->children, c);
        if (r < 0)
                return r;

        c = NULL;
        return 0;
}

void takeover_restore(Launcher *l, const Handover *h)
{
        for (size_t i = 0; i < h->n_agents; i++) {
                int r = restore(l, &h->agents[i]);

                if (r < 0)
                        log_fields(LOG_ERR, &(LogField){ "AGENT_ID", h->agents[i].agent_id }, 1,
                                "Cannot take over agent %s from the former build: %s", h->agents[i].agent_id,
                                strerror(-r));
        }
        for (size_t i = 0; i < h->n_strays; i++)
                if (strv_extend(&l->strays, h->strays[i]) < 0)
                        log_error("Out of memory: %s is not ended", h->strays[i]);
}
