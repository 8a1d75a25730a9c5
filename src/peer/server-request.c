/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-request.h"

#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "server-body.h"
#include "server-connection.h"
#include "server-head.h"
#include "time-util.h"
#include "wire.h"

#define SEND_BLOCK_SIZE (64u * 1024)

struct ServerRequest {
        PeerServer *server;
        ServerConnection *connection;
        struct MHD_Connection *mhd;
        ServerRoute route;
        ServerBody body;
        PeerCall *call; /* while it waits for it */
        Reply *reply;
        sd_event_source *gone; /* while it is suspended */
        bool is_suspended;
        bool is_abandoned; /* its client has gone */
        uint64_t began_usec;
};

static void resume(ServerRequest *r)
{
        if (!r->is_suspended)
                return;
        r->is_suspended = false;
        r->gone = sd_event_source_disable_unref(r->gone);
        MHD_resume_connection(r->mhd);
        server_event_kick(r->server->run);
}

void server_request_answer(ServerRequest *r, Reply *reply)
{
        r->call = NULL;
        r->reply = reply_ref(reply);
        resume(r);
}

void server_request_abandon(ServerRequest *r)
{
        r->call = NULL;
        r->is_abandoned = true;
        resume(r);
}

static int on_gone(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ServerRequest *r = userdata;
        PeerCall *call = steal_ptr(r->call);

        (void)s;
        (void)fd;
        (void)revents;

        log_debug("%s does not wait for its answer any more", server_connection_who(r->connection));
        server_request_abandon(r);
        server_call_leave(call, r);
        return 0;
}

/* libmicrohttpd does not look at a suspended connection. */
static int suspend(ServerRequest *r)
{
        int x;

        x = sd_event_add_io(
                r->server->event, &r->gone, server_connection_fd(r->connection), EPOLLRDHUP, on_gone, r);
        if (x < 0)
                return x;
        (void)sd_event_source_set_description(r->gone, "peer-request-gone");
        r->is_suspended = true;
        server_connection_set_limit(r->connection, USEC_INFINITY);
        MHD_suspend_connection(r->mhd);
        return 0;
}

static void add_headers(ServerRequest *r, struct MHD_Response *response)
{
        const char *type = r->reply->status >= 400 ? WIRE_PROBLEM : WIRE_JSON;
        char retry_after[16];

        if (r->reply->content_type)
                type = r->reply->content_type;
        (void)MHD_add_response_header(response, "Content-Type", type);
        (void)MHD_add_response_header(response, "Cache-Control", "no-store");
        if (r->reply->location)
                (void)MHD_add_response_header(response, "Location", r->reply->location);
        if (r->reply->allow)
                (void)MHD_add_response_header(response, "Allow", r->reply->allow);
        if (r->reply->retry_after_sec > 0) {
                snprintf(retry_after, sizeof(retry_after), "%u", r->reply->retry_after_sec);
                (void)MHD_add_response_header(response, "Retry-After", retry_after);
        }
        if (server_connection_is_old(r->connection))
                (void)MHD_add_response_header(response, "Connection", "close");
}

static ssize_t read_body(void *userdata, uint64_t position, char *buffer, size_t max)
{
        ServerRequest *r = userdata;
        gsize size;
        const char *data = g_bytes_get_data(r->reply->body, &size);
        size_t n = MIN(max, size - position);

        server_event_progress(r->server->run);
        memcpy(buffer, data + position, n);
        return (ssize_t)n;
}

/* The body is the reply's, which the request holds until it has been sent. A large one is asked for block by
 * block, so that we hear of its getting on. */
static struct MHD_Response *make_response(ServerRequest *r)
{
        gsize size;
        gconstpointer data = g_bytes_get_data(r->reply->body, &size);

        if (size > SEND_BLOCK_SIZE)
                return MHD_create_response_from_callback(size, SEND_BLOCK_SIZE, read_body, r, NULL);
        return MHD_create_response_from_buffer(size, (void *)data, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_reply(ServerRequest *r)
{
        struct MHD_Response *response = make_response(r);
        enum MHD_Result result;

        if (!response)
                return MHD_NO;

        add_headers(r, response);
        server_connection_set_limit(r->connection, r->server->limits.send_usec);
        result = MHD_queue_response(r->mhd, r->reply->status, response);
        MHD_destroy_response(response);
        return result;
}

/* --- how it begins and goes on --- */

static enum MHD_Result begin(
        PeerServer *server, struct MHD_Connection *mhd, const char *url, const char *method, void **context)
{
        ServerRequest *r = g_new0(ServerRequest, 1);

        *r = (ServerRequest){
                .server = server,
                .connection = server_connection_of(mhd),
                .mhd = mhd,
                .began_usec = now_usec(CLOCK_MONOTONIC),
        };
        *context = r;
        r->reply = server_head_check(server, mhd, method, url, &r->route);
        /* libmicrohttpd closes a connection whose request was answered before its end. With a body to come
         * that is what we want. */
        if (r->reply && server_head_has_body(mhd))
                return send_reply(r);
        server_connection_set_limit(r->connection, server->limits.body_usec);
        return MHD_YES;
}

/* --- what it asks for --- */

/* Of all that makes it the request that it is. */
static char *make_digest(const ServerRequest *r)
{
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        g_autofree char *head = g_strdup_printf("%d\n%s\n%" PRIu64 "\n", (int)r->route.operation,
                r->route.id ? r->route.id : "", r->route.timeout_usec);

        g_checksum_update(checksum, (const guchar *)head, -1);
        g_checksum_update(checksum, (const guchar *)r->body.text->str, (gssize)r->body.text->len);
        return g_strdup(g_checksum_get_string(checksum));
}

/* The host keeps option request_id with the agent: so the key counts beyond a restart of agenthostd. */
static void key_to_request_id(PeerCreate *create, const char *who, const char *key)
{
        g_autofree char *text = g_strconcat(who, "\n", key, NULL), *digest = NULL;

        if (create->request_id)
                return;
        digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        create->request_id = g_strconcat("peer:", digest, NULL);
}

static uint64_t call_limit(const ServerRequest *r, const PeerCreate *create)
{
        return usec_add(r->server->limits.call_usec, create ? create->timeout_usec : r->route.timeout_usec);
}

static void call_handler(const ServerRequest *r, PeerCreate *create)
{
        const PeerHandlers *h = &r->server->handlers;
        void *userdata = r->server->userdata;

        switch (r->route.operation) {
        case SERVER_CREATE:
                h->create(r->call, create, userdata);
                break;
        case SERVER_STOP:
                h->stop(r->call, r->route.id, r->route.timeout_usec, userdata);
                break;
        case SERVER_LIST:
                h->list(r->call, r->route.id, userdata);
                break;
        case SERVER_INFO:
                h->info(r->call, r->route.id, userdata);
                break;
        default:
                h->health(r->call, userdata);
                break;
        }
}

/* Makes the call for a new key, or finds what is known of an old one. Sets call, or reply. */
static int find_key(ServerRequest *r, const char *key, const PeerCreate *create)
{
        const char *who = server_connection_who(r->connection);
        g_autofree char *digest = make_digest(r);
        IdempotencyEntry *entry = NULL;
        IdempotencyVerdict verdict;
        PeerCall *call = NULL;
        int x;

        x = server_call_new(r->server, who, call_limit(r, create), &call);
        if (x < 0)
                return x;
        verdict = idempotency_begin(
                r->server->keys, who, key, digest, call, now_usec(CLOCK_MONOTONIC), &entry);
        if (verdict == IDEMPOTENCY_NEW) {
                server_call_set_entry(call, entry);
                server_call_join(call, r);
                r->call = call;
                return 1;
        }

        server_call_cancel(call);
        if (verdict == IDEMPOTENCY_RUNNING) {
                r->call = idempotency_owner(entry);
                server_call_join(r->call, r);
        } else if (verdict == IDEMPOTENCY_DONE) {
                r->reply = reply_ref(idempotency_reply(entry));
        } else if (verdict == IDEMPOTENCY_MISMATCH) {
                r->reply = reply_new_problem(
                        422, FAULT_INVALID_ARGS, "This Idempotency-Key has been used for another request");
        } else {
                r->reply = reply_new_problem(503, FAULT_LIMIT_REACHED,
                        "Too many requests are under way on this host; ask another, or later");
        }
        return 0;
}

/* 1: the handler is to be called. */
static int make_call(ServerRequest *r, const PeerCreate *create)
{
        const char *key = r->route.has_effect ? server_head_key(r->mhd) : NULL;
        int x;

        if (key)
                return find_key(r, key, create);

        x = server_call_new(
                r->server, server_connection_who(r->connection), call_limit(r, create), &r->call);
        if (x < 0)
                return x;
        server_call_join(r->call, r);
        return 1;
}

static Reply *make_page(const ServerRequest *r)
{
        const PeerHandlers *h = &r->server->handlers;
        PeerPage page;
        Reply *reply;

        if (!h->page || !h->page(r->route.id, &page, r->server->userdata))
                return reply_new_problem(404, FAULT_INVALID_ARGS, "There is nothing here");
        reply = reply_new(page.status, page.body);
        reply->content_type = page.content_type;
        return reply;
}

static int start(ServerRequest *r)
{
        _cleanup_peer_create_ PeerCreate create = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *key = server_head_key(r->mhd);
        bool creates = r->route.operation == SERVER_CREATE;
        int x;

        r->reply = server_body_check(&r->body, creates);
        if (!r->reply && r->route.operation == SERVER_PAGE)
                r->reply = make_page(r);
        if (r->reply)
                return 0;
        if (creates && wire_read_create(r->body.text->str, r->body.text->len, &create, &fault) < 0) {
                r->reply = fault.kind == FAULT_NONE ? NULL : reply_new_fault(&fault);
                return r->reply ? 0 : -ENOMEM;
        }

        x = make_call(r, creates ? &create : NULL);
        /* Nothing of it is needed any more. */
        server_body_done(&r->body, r->server);
        if (x <= 0)
                return x;
        if (creates && key)
                key_to_request_id(&create, server_connection_who(r->connection), key);
        call_handler(r, &create);
        return 0;
}

enum MHD_Result server_request_on_access(void *userdata,
        struct MHD_Connection *mhd,
        const char *url,
        const char *method,
        const char *version,
        const char *data,
        size_t *size,
        void **context)
{
        PeerServer *server = userdata;
        ServerRequest *r = *context;

        (void)version;

        server_event_progress(server->run);
        if (!r)
                return begin(server, mhd, url, method, context);
        if (*size > 0) {
                bool goes_on = server_body_add(&r->body, server, data, *size);

                *size = 0;
                return goes_on ? MHD_YES : MHD_NO;
        }
        if (r->is_abandoned)
                return MHD_NO;
        if (!r->reply && !r->call && start(r) < 0)
                return MHD_NO;
        if (r->reply)
                return send_reply(r);
        return suspend(r) < 0 ? MHD_NO : MHD_YES;
}

static void observe(const ServerRequest *r)
{
        const PeerObservation observation = {
                .operation = server_route_name(r->route.operation),
                .status = r->reply ? r->reply->status : 0,
                .usec = now_usec(CLOCK_MONOTONIC) - r->began_usec,
        };

        if (r->reply && r->server->handlers.observe)
                r->server->handlers.observe(&observation, r->server->userdata);
}

void server_request_on_completed(
        void *userdata, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
        PeerServer *server = userdata;
        ServerRequest *r = *context;

        (void)mhd;
        (void)code;

        server_event_progress(server->run);
        if (!r)
                return;
        *context = NULL;
        observe(r);
        if (r->call)
                server_call_leave(r->call, r);
        server_connection_set_limit(r->connection, server->limits.idle_usec);
        sd_event_source_disable_unref(r->gone);
        server_body_done(&r->body, server);
        server_route_done(&r->route);
        reply_unref(r->reply);
        g_free(r);
}
