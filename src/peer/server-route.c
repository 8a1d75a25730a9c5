/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-route.h"

#include <string.h>

#include "escape.h"
#include "parse.h"
#include "wire.h"

#define STOP_TIMEOUT_MAX_SEC 86400u

/* A path that ends in a slash goes on with an id. */
typedef struct Route {
        const char *method;
        const char *path;
        ServerOperation operation;
        bool has_effect;
        const char *parameter; /* the one that its query may have; NULL: none */
} Route;

static const Route routes[] = {
        { "POST", WIRE_AGENTS, SERVER_CREATE, true, NULL },
        { "GET", WIRE_AGENTS, SERVER_LIST, false, "guild_id" },
        { "GET", WIRE_AGENTS "/", SERVER_INFO, false, NULL },
        { "DELETE", WIRE_AGENTS "/", SERVER_STOP, true, "timeout" },
        { "GET", WIRE_HEALTH, SERVER_HEALTH, false, NULL },
        { "GET", "/metrics", SERVER_PAGE, false, NULL },
        { "GET", "/livez", SERVER_PAGE, false, NULL },
        { "GET", "/readyz", SERVER_PAGE, false, NULL },
};

typedef struct Query {
        const Route *route;
        const char *value; /* escaped, borrowed */
        bool is_wrong;
} Query;

const char *server_route_name(ServerOperation operation)
{
        static const char *const names[] = {
                [SERVER_NONE] = "none",
                [SERVER_CREATE] = "create",
                [SERVER_STOP] = "stop",
                [SERVER_LIST] = "list",
                [SERVER_INFO] = "info",
                [SERVER_HEALTH] = "health",
                [SERVER_PAGE] = "page",
        };

        return names[operation];
}

void server_route_done(ServerRoute *route)
{
        g_free(route->id);
        *route = (ServerRoute){ 0 };
}

static bool fits(const Route *route, const char *path)
{
        size_t length = strlen(route->path);

        if (route->path[length - 1] != '/')
                return strcmp(route->path, path) == 0;
        return strncmp(route->path, path, length) == 0 && path[length] != '\0';
}

/* ret_allow: the methods of the path; NULL: there is no such path. */
static const Route *find_route(const char *method, const char *path, const char **ret_allow)
{
        const Route *known = NULL;

        *ret_allow = NULL;
        for (size_t i = 0; i < ELEMENTSOF(routes); i++) {
                if (!fits(&routes[i], path))
                        continue;
                if (strcmp(routes[i].method, method) == 0)
                        return &routes[i];
                known = &routes[i];
        }
        if (known)
                *ret_allow = strcmp(known->path, WIRE_AGENTS) == 0  ? "GET, POST"
                        : strcmp(known->path, WIRE_AGENTS "/") == 0 ? "DELETE, GET"
                                                                    : "GET";
        return NULL;
}

static enum MHD_Result take_parameter(
        void *userdata, enum MHD_ValueKind kind, const char *key, const char *value)
{
        Query *q = userdata;

        (void)kind;

        if (q->value || !value || !q->route->parameter || strcmp(key, q->route->parameter) != 0)
                q->is_wrong = true;
        q->value = value;
        return MHD_YES;
}

/* NULL for what is no escaped text, or of an id that no agent has. */
static char *unescape_id(const char *escaped)
{
        g_autofree char *id = g_uri_unescape_string(escaped, NULL);

        return id && id_is_valid(id) ? steal_ptr(id) : NULL;
}

static Reply *refuse_query(const Route *route)
{
        if (!route->parameter)
                return reply_new_problem(400, FAULT_INVALID_ARGS, "This request has no parameters");
        return reply_new_problem(
                400, FAULT_INVALID_ARGS, "This request has one parameter, %s", route->parameter);
}

static Reply *take_timeout(const char *value, ServerRoute *ret)
{
        unsigned sec = 0;

        if (value && parse_uint(value, 0, STOP_TIMEOUT_MAX_SEC, &sec) < 0)
                return reply_new_problem(400, FAULT_INVALID_ARGS,
                        "Parameter timeout has to be seconds, at most %u", STOP_TIMEOUT_MAX_SEC);
        ret->timeout_usec = sec * USEC_PER_SEC;
        return NULL;
}

static Reply *take_guild(const char *value, ServerRoute *ret)
{
        ret->id = value && *value ? unescape_id(value) : g_strdup("");
        return ret->id
                ? NULL
                : reply_new_problem(400, FAULT_INVALID_ARGS, "Parameter guild_id is no id of a guild");
}

Reply *server_route_find(struct MHD_Connection *mhd, const char *method, const char *path, ServerRoute *ret)
{
        const char *allow;
        const Route *route = find_route(method, path, &allow);
        Query q = { .route = route };
        Reply *reply;

        if (!route && !allow)
                return reply_new_problem(404, FAULT_INVALID_ARGS, "There is nothing here");
        if (!route) {
                reply = reply_new_problem(405, FAULT_INVALID_ARGS, "The methods here are: %s", allow);
                reply->allow = allow;
                return reply;
        }

        (void)MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, take_parameter, &q);
        if (q.is_wrong)
                return refuse_query(route);
        ret->operation = route->operation;
        ret->has_effect = route->has_effect;
        if (route->operation == SERVER_LIST)
                return take_guild(q.value, ret);
        if (route->operation == SERVER_PAGE)
                ret->id = g_strdup(path);
        if (route->operation != SERVER_INFO && route->operation != SERVER_STOP)
                return NULL;

        ret->id = unescape_id(path + strlen(route->path));
        if (!ret->id)
                return reply_new_problem(400, FAULT_INVALID_ARGS, "This is no id of an agent");
        return take_timeout(q.value, ret);
}
