/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "local-calls.h"

#include <string.h>

#include "agent-start.h"
#include "agent-stop.h"
#include "log-agent.h"

struct LocalCreate {
        LocalCreate **holder;
        LocalCreated done; /* NULL: nobody waits any more */
        void *userdata;
        Agent *agent; /* which is there for as long as it is waited for */
        bool is_new; /* the agent was made for this */
        bool wait_ready;
};

static void on_created(Agent *a, const Fault *fault, void *userdata)
{
        g_autofree LocalCreate *c = userdata;

        if (c->holder)
                *c->holder = NULL;
        if (!c->done)
                return;
        c->done(fault ? NULL
                      : &(PeerCreated){ .agent_id = a->id, .pid = (uint64_t)a->pid, .object_path = a->path },
                fault, c->userdata);
}

int local_create(Host *host,
        const PeerCreate *create,
        LocalCreated done,
        void *userdata,
        LocalCreate **ret,
        Fault *fault)
{
        CreateOptions options;
        LocalCreate *c, *open;
        int r;

        r = create_options_from_peer(create, &options, fault);
        if (r < 0)
                return r;

        open = c = g_new0(LocalCreate, 1);
        *c = (LocalCreate){
                .holder = &open,
                .done = done,
                .userdata = userdata,
                .wait_ready = create->wait_ready,
        };
        r = host_create_agent(host,
                &(CreateRequest){
                        .agent_spec = create->agent_spec,
                        .guild_spec = create->guild_spec,
                        .messaging_config = create->messaging_config ? create->messaging_config : "",
                        .options = &options,
                        .ret_agent = &c->agent,
                        .ret_is_new = &c->is_new,
                },
                on_created, c, fault);
        if (r < 0) {
                g_free(c);
                return r;
        }

        /* What has been answered may have taken its caller with it. */
        if (open) {
                *ret = open;
                open->holder = ret;
        }
        return 0;
}

LocalCreate *local_create_leave(LocalCreate *c)
{
        if (!c)
                return NULL;

        if (c->holder)
                *c->holder = NULL;
        c->holder = NULL;
        c->done = NULL;
        return NULL;
}

static void on_cancelled(bool stopped, const Fault *fault, void *userdata)
{
        (void)stopped;
        (void)userdata;

        if (fault)
                log_warning("An agent that nobody wants any more cannot be stopped: %s", fault_text(fault));
}

LocalCreate *local_create_cancel(LocalCreate *c)
{
        Agent *a;

        if (!c)
                return NULL;

        /* The agent outlives the wait for it. */
        a = c->is_new ? c->agent : NULL;
        (void)local_create_leave(c);
        if (!a || a->host->ending)
                return NULL;
        agent_log(a, LOG_INFO, "Agent %s is stopped: who asked for it has gone before it was there", a->id);
        host_stop_agent(a->host, a->id, 0, on_cancelled, NULL);
        return NULL;
}

uint64_t local_create_deadline(const LocalCreate *c)
{
        return c->wait_ready ? c->agent->start_deadline_usec : 0;
}

struct LocalStop {
        LocalStop **holder;
        Host *host; /* borrowed */
        char *agent_id;
        LocalStopped done; /* NULL: nobody waits any more */
        void *userdata;
};

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        LocalStop *s = userdata;

        if (s->holder)
                *s->holder = NULL;
        if (s->done)
                s->done(stopped, fault, s->userdata);
        g_free(s->agent_id);
        g_free(s);
}

void local_stop(Host *host,
        const char *agent_id,
        uint64_t timeout_usec,
        LocalStopped done,
        void *userdata,
        LocalStop **ret)
{
        LocalStop *s = g_new0(LocalStop, 1), *open = s;

        *s = (LocalStop){
                .holder = &open,
                .host = host,
                .agent_id = g_strdup(agent_id),
                .done = done,
                .userdata = userdata,
        };
        host_stop_agent(host, agent_id, timeout_usec, on_stopped, s);

        /* What has been answered may have taken its caller with it. */
        if (!open)
                return;
        *ret = open;
        open->holder = ret;
}

LocalStop *local_stop_leave(LocalStop *s)
{
        if (!s)
                return NULL;

        if (s->holder)
                *s->holder = NULL;
        s->holder = NULL;
        s->done = NULL;
        return NULL;
}

uint64_t local_stop_deadline(const LocalStop *s)
{
        const Agent *a = host_find(s->host, s->agent_id);

        return a ? a->stop_deadline_usec : 0;
}

PeerAgent local_describe(const Agent *a)
{
        return (PeerAgent){
                .agent_id = a->id,
                .guild_id = (char *)a->guild->guild_id,
                .name = a->name,
                .pid = agent_has_ended(a) ? 0 : (uint64_t)a->pid,
                .is_alive = agent_is_alive(a),
                .created_usec = a->created_at_usec,
                .state = (char *)agent_state_name(a->state),
                .object_path = a->path,
        };
}

PeerAgent *local_list(Host *host, const char *guild_id, size_t *ret_n)
{
        PeerAgent *agents = g_new(PeerAgent, g_hash_table_size(host->agents));
        GHashTableIter i;
        gpointer value;
        size_t n = 0;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Agent *a = value;

                if (!guild_id[0] || strcmp(a->guild->guild_id, guild_id) == 0)
                        agents[n++] = local_describe(a);
        }
        *ret_n = n;
        return agents;
}

bool local_is_healthy(const Host *host)
{
        return launcher_client_is_usable(host->launcher);
}
