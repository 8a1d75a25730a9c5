/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-head.h"

#include <string.h>

#include "identity.h"
#include "log.h"
#include "parse.h"
#include "server-body.h"
#include "server-connection.h"
#include "time-util.h"
#include "wire.h"

const char *server_head_get(struct MHD_Connection *mhd, const char *name)
{
        return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

bool server_head_has_body(struct MHD_Connection *mhd)
{
        const char *length = server_head_get(mhd, "Content-Length");

        return server_head_get(mhd, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

const char *server_head_key(struct MHD_Connection *mhd)
{
        return server_head_get(mhd, "Idempotency-Key");
}

static Reply *check_client(PeerServer *server, ServerConnection *c)
{
        const char *who = server_connection_who(c);

        if (!identity_is_allowed(server_connection_names(c), server->names)) {
                if (server_may_log(server))
                        log_warning("%s, with a certificate of '%s', is refused: no PeerNames= fits",
                                server_connection_address(c), who);
                return reply_new_problem(403, FAULT_ACCESS_DENIED,
                        "This host lets nobody in by the name of '%s'; see its PeerNames=", who);
        }
        if (!rate_limit_take(server->request_rate, who, now_usec(CLOCK_MONOTONIC))) {
                if (server_may_log(server))
                        log_warning("'%s' asks more often than %u times a second: refused", who,
                                server->limits.requests_per_sec);
                return reply_new_problem(429, FAULT_LIMIT_REACHED,
                        "More than %u requests a second; ask another host, or later",
                        server->limits.requests_per_sec);
        }
        return NULL;
}

/* By these it is told where a request ends, and whether it is a repeat. */
static const char *const singles[] = { "Content-Length", "Transfer-Encoding", "Idempotency-Key" };

typedef struct HeadCount {
        unsigned n[ELEMENTSOF(singles)];
        const char *twice; /* NULL: none is */
        bool unclean; /* a value has control characters */
} HeadCount;

static bool is_clean(const char *value)
{
        for (; *value; value++)
                if (g_ascii_iscntrl(*value) && *value != '\t')
                        return false;
        return true;
}

static enum MHD_Result count_header(
        void *userdata, enum MHD_ValueKind kind, const char *name, const char *value)
{
        HeadCount *c = userdata;

        (void)kind;

        if (value && !is_clean(value))
                c->unclean = true;
        for (size_t i = 0; i < ELEMENTSOF(singles); i++)
                if (g_ascii_strcasecmp(name, singles[i]) == 0 && ++c->n[i] > 1)
                        c->twice = singles[i];
        return MHD_YES;
}

/* What can be read in two ways is read in none. */
static Reply *check_ambiguity(struct MHD_Connection *mhd)
{
        HeadCount c = { 0 };

        (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header, &c);
        if (c.twice)
                return reply_new_problem(400, FAULT_INVALID_ARGS, "There is more than one %s", c.twice);
        if (c.unclean)
                return reply_new_problem(
                        400, FAULT_INVALID_ARGS, "A header has control characters in its value");
        if (c.n[0] > 0 && c.n[1] > 0)
                return reply_new_problem(
                        400, FAULT_INVALID_ARGS, "There are both %s and %s", singles[0], singles[1]);
        return NULL;
}

static bool is_json(const char *type)
{
        size_t length = strlen(WIRE_JSON);

        return type && g_ascii_strncasecmp(type, WIRE_JSON, length) == 0 &&
                (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
}

static Reply *check_body_head(PeerServer *server, struct MHD_Connection *mhd, const ServerRoute *route)
{
        const char *length = server_head_get(mhd, "Content-Length");
        const char *encoding = server_head_get(mhd, "Transfer-Encoding");
        uint64_t size;

        if (route->operation == SERVER_CREATE && !is_json(server_head_get(mhd, "Content-Type")))
                return reply_new_problem(
                        415, FAULT_INVALID_ARGS, "The body has to be of Content-Type: %s", WIRE_JSON);
        if (encoding && g_ascii_strcasecmp(encoding, "chunked") != 0)
                return reply_new_problem(400, FAULT_INVALID_ARGS,
                        "The body has to come in chunks or with its Content-Length");
        if (server_head_get(mhd, "Content-Encoding"))
                return reply_new_problem(
                        415, FAULT_INVALID_ARGS, "The body has to come without Content-Encoding");
        if (length && (parse_uint64(length, 0, UINT64_MAX, &size) < 0 || size > server->limits.body_max))
                return server_body_too_large(server);
        return NULL;
}

static Reply *check_key(struct MHD_Connection *mhd)
{
        const char *key = server_head_key(mhd);

        if (!key || idempotency_key_is_valid(key))
                return NULL;
        return reply_new_problem(400, FAULT_INVALID_ARGS,
                "Idempotency-Key has to have 1 to %u visible ASCII characters", IDEMPOTENCY_KEY_MAX);
}

Reply *server_head_check(PeerServer *server,
        struct MHD_Connection *mhd,
        const char *method,
        const char *path,
        ServerRoute *ret)
{
        Reply *reply = check_client(server, server_connection_of(mhd));

        if (!reply)
                reply = check_ambiguity(mhd);
        if (!reply)
                reply = server_route_find(mhd, method, path, ret);
        if (!reply)
                reply = check_body_head(server, mhd, ret);
        return reply ? reply : check_key(mhd);
}
