/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-call.h"

#include "server-request.h"
#include "time-util.h"
#include "wire.h"

struct PeerCall {
        PeerServer *server;
        char *who;
        GPtrArray *waiting; /* requests, borrowed */
        IdempotencyEntry *entry; /* NULL: no key */
        sd_event_source *limit;
        sd_event_source *grace;
        void *operation;
        void (*cancel)(void *operation);
        uint64_t (*deadline)(void *operation); /* NULL: there is none but the limit */
};

static void call_free(PeerCall *c)
{
        g_hash_table_remove(c->server->calls, c);
        sd_event_source_disable_unref(c->limit);
        sd_event_source_disable_unref(c->grace);
        g_ptr_array_unref(c->waiting);
        g_free(c->who);
        g_free(c);
}

static void cancel_operation(PeerCall *c)
{
        if (c->cancel)
                c->cancel(c->operation);
        c->cancel = NULL;
}

void server_call_cancel(PeerCall *c)
{
        cancel_operation(c);
        if (c->entry)
                idempotency_drop(c->server->keys, c->entry);
        for (guint i = 0; i < c->waiting->len; i++)
                server_request_abandon(g_ptr_array_index(c->waiting, i));
        call_free(c);
}

/* reply is taken over. */
static void answer(PeerCall *c, Reply *reply)
{
        if (c->entry)
                idempotency_finish(c->server->keys, c->entry, reply, now_usec(CLOCK_MONOTONIC));
        for (guint i = 0; i < c->waiting->len; i++)
                server_request_answer(g_ptr_array_index(c->waiting, i), reply);
        reply_unref(reply);
        call_free(c);
}

/* The operation may take longer than was known when it was asked for. */
static bool goes_on(PeerCall *c)
{
        uint64_t deadline = c->deadline ? c->deadline(c->operation) : 0, until;

        if (deadline == 0)
                return false;
        until = usec_add(deadline, c->server->limits.call_usec);
        if (until <= now_usec(CLOCK_MONOTONIC))
                return false;
        return sd_event_source_set_time(c->limit, until) >= 0 &&
                sd_event_source_set_enabled(c->limit, SD_EVENT_ONESHOT) >= 0;
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        PeerCall *c = userdata;

        (void)s;
        (void)usec;

        if (goes_on(c))
                return 0;
        cancel_operation(c);
        answer(c, reply_new_problem(504, FAULT_FAILED, "This host did not get it done in time"));
        return 0;
}

static int on_grace_over(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        server_call_cancel(userdata);
        return 0;
}

int server_call_new(PeerServer *server, const char *who, uint64_t limit_usec, PeerCall **ret)
{
        PeerCall *c = g_new0(PeerCall, 1);
        int r;

        *c = (PeerCall){ .server = server, .who = g_strdup(who), .waiting = g_ptr_array_new() };
        g_hash_table_add(server->calls, c);
        r = sd_event_add_time_relative(
                server->event, &c->limit, CLOCK_MONOTONIC, limit_usec, 0, on_limit, c);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        server->event, &c->grace, CLOCK_MONOTONIC, 0, 0, on_grace_over, c);
        if (r < 0) {
                call_free(c);
                return r;
        }

        (void)sd_event_source_set_enabled(c->grace, SD_EVENT_OFF);
        (void)sd_event_source_set_description(c->limit, "peer-call-limit");
        (void)sd_event_source_set_description(c->grace, "peer-call-grace");
        *ret = c;
        return 0;
}

void server_call_set_entry(PeerCall *c, IdempotencyEntry *entry)
{
        c->entry = entry;
}

void server_call_join(PeerCall *c, ServerRequest *request)
{
        g_ptr_array_add(c->waiting, request);
        (void)sd_event_source_set_enabled(c->grace, SD_EVENT_OFF);
}

void server_call_leave(PeerCall *c, ServerRequest *request)
{
        g_ptr_array_remove(c->waiting, request);
        if (c->waiting->len > 0)
                return;
        if (!c->entry) {
                server_call_cancel(c);
                return;
        }
        (void)sd_event_source_set_time_relative(c->grace, c->server->limits.grace_usec);
        (void)sd_event_source_set_enabled(c->grace, SD_EVENT_ONESHOT);
}

void peer_call_set_operation(PeerCall *c, void *operation, void (*cancel)(void *operation))
{
        c->operation = operation;
        c->cancel = cancel;
}

void peer_call_set_deadline(PeerCall *c, uint64_t (*deadline)(void *operation))
{
        c->deadline = deadline;
}

const char *peer_call_client(const PeerCall *c)
{
        return c->who;
}

void peer_call_created(PeerCall *c, const PeerCreated *created)
{
        Reply *reply = reply_new(201, wire_write_created(created));

        reply->location = wire_agent_path(created->agent_id);
        answer(c, reply);
}

void peer_call_stopped(PeerCall *c, bool stopped)
{
        answer(c, reply_new(200, wire_write_stopped(stopped)));
}

void peer_call_listed(PeerCall *c, const PeerAgent *agents, size_t n_agents)
{
        answer(c, reply_new(200, wire_write_agents(agents, n_agents)));
}

void peer_call_found(PeerCall *c, const PeerAgent *agent)
{
        answer(c, reply_new(200, wire_write_agent(agent)));
}

void peer_call_healthy(PeerCall *c, const PeerHealth *health)
{
        answer(c, reply_new(200, wire_write_health(health)));
}

void peer_call_failed(PeerCall *c, const Fault *fault)
{
        answer(c, reply_new_fault(fault));
}
