/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire-json.h"
#include "wire.h"

static const JsonField created_fields[] = {
        { "agent_id", JSON_TEXT, JSON_REQUIRED, offsetof(PeerCreated, agent_id) },
        { "pid", JSON_UINT64, JSON_REQUIRED, offsetof(PeerCreated, pid) },
        { "object_path", JSON_TEXT, JSON_REQUIRED, offsetof(PeerCreated, object_path) },
};

static const JsonField agent_fields[] = {
        { "agent_id", JSON_TEXT, JSON_REQUIRED, offsetof(PeerAgent, agent_id) },
        { "guild_id", JSON_TEXT, JSON_REQUIRED, offsetof(PeerAgent, guild_id) },
        { "name", JSON_TEXT, JSON_REQUIRED, offsetof(PeerAgent, name) },
        { "pid", JSON_UINT64, JSON_REQUIRED, offsetof(PeerAgent, pid) },
        { "is_alive", JSON_BOOL, JSON_REQUIRED, offsetof(PeerAgent, is_alive) },
        { "created_at", JSON_UINT64, JSON_REQUIRED, offsetof(PeerAgent, created_usec) },
        { "state", JSON_TEXT, JSON_REQUIRED, offsetof(PeerAgent, state) },
        { "object_path", JSON_TEXT, JSON_REQUIRED, offsetof(PeerAgent, object_path) },
};

static const JsonField health_fields[] = {
        { "healthy", JSON_BOOL, JSON_REQUIRED, offsetof(PeerHealth, healthy) },
        { "agent_count", JSON_UINT64, JSON_REQUIRED, offsetof(PeerHealth, agent_count) },
        { "hostname", JSON_TEXT, JSON_REQUIRED, offsetof(PeerHealth, hostname) },
};

typedef struct Stopped {
        bool stopped;
} Stopped;

static const JsonField stopped_fields[] = {
        { "stopped", JSON_BOOL, JSON_REQUIRED, offsetof(Stopped, stopped) },
};

static const char what[] = "answer";

static int read_answer(
        const char *text, size_t size, const JsonField *fields, size_t n_fields, void *target, Fault *fault)
{
        _cleanup_json_ struct json_object *answer = NULL;
        int r = wire_json_read(what, text, size, FAULT_FAILED, &answer, fault);

        return r < 0 ? r : wire_json_decode(what, answer, fields, n_fields, target, FAULT_FAILED, fault);
}

GBytes *wire_write_created(const PeerCreated *c)
{
        struct json_object *o = json_object_new_object();

        wire_json_add_text(o, "agent_id", c->agent_id);
        wire_json_add_uint(o, "pid", c->pid);
        wire_json_add_text(o, "object_path", c->object_path);
        return wire_json_to_bytes(o);
}

int wire_read_created(const char *text, size_t size, PeerCreated *ret, Fault *fault)
{
        PeerCreated c = { 0 };
        int r = read_answer(text, size, created_fields, ELEMENTSOF(created_fields), &c, fault);

        if (r < 0)
                peer_created_done(&c);
        else
                *ret = c;
        return r;
}

GBytes *wire_write_stopped(bool stopped)
{
        struct json_object *o = json_object_new_object();

        wire_json_add_bool(o, "stopped", stopped);
        return wire_json_to_bytes(o);
}

int wire_read_stopped(const char *text, size_t size, bool *ret, Fault *fault)
{
        Stopped s = { 0 };
        int r = read_answer(text, size, stopped_fields, ELEMENTSOF(stopped_fields), &s, fault);

        if (r >= 0)
                *ret = s.stopped;
        return r;
}

static struct json_object *make_agent(const PeerAgent *a)
{
        struct json_object *o = json_object_new_object();

        wire_json_add_text(o, "agent_id", a->agent_id);
        wire_json_add_text(o, "guild_id", a->guild_id);
        wire_json_add_text(o, "name", a->name);
        wire_json_add_uint(o, "pid", a->pid);
        wire_json_add_bool(o, "is_alive", a->is_alive);
        wire_json_add_uint(o, "created_at", a->created_usec);
        wire_json_add_text(o, "state", a->state);
        wire_json_add_text(o, "object_path", a->object_path);
        return o;
}

GBytes *wire_write_agent(const PeerAgent *agent)
{
        return wire_json_to_bytes(make_agent(agent));
}

int wire_read_agent(const char *text, size_t size, PeerAgent *ret, Fault *fault)
{
        PeerAgent a = { 0 };
        int r = read_answer(text, size, agent_fields, ELEMENTSOF(agent_fields), &a, fault);

        if (r < 0)
                peer_agent_done(&a);
        else
                *ret = a;
        return r;
}

GBytes *wire_write_agents(const PeerAgent *agents, size_t n_agents)
{
        struct json_object *o = json_object_new_object(), *list = json_object_new_array_ext((int)n_agents);

        for (size_t i = 0; i < n_agents; i++)
                json_object_array_add(list, make_agent(&agents[i]));
        json_object_object_add(o, "agents", list);
        return wire_json_to_bytes(o);
}

static void clear_agent(void *agent)
{
        peer_agent_done(agent);
}

int wire_read_agents(const char *text, size_t size, GArray **ret, Fault *fault)
{
        g_autoptr(GArray) agents = g_array_new(FALSE, TRUE, sizeof(PeerAgent));
        _cleanup_json_ struct json_object *answer = NULL;
        struct json_object *list;
        int r;

        g_array_set_clear_func(agents, clear_agent);
        r = wire_json_read(what, text, size, FAULT_FAILED, &answer, fault);
        if (r < 0)
                return r;
        if (!json_object_is_type(answer, json_type_object) ||
                !json_object_object_get_ex(answer, "agents", &list) ||
                !json_object_is_type(list, json_type_array))
                return fault_set(fault, FAULT_FAILED, "answer: $.agents: expected an array");

        g_array_set_size(agents, (guint)json_object_array_length(list));
        for (guint i = 0; i < agents->len; i++) {
                r = wire_json_decode("answer: an agent", json_object_array_get_idx(list, i), agent_fields,
                        ELEMENTSOF(agent_fields), &g_array_index(agents, PeerAgent, i), FAULT_FAILED, fault);
                if (r < 0)
                        return r;
        }

        *ret = steal_ptr(agents);
        return 0;
}

GBytes *wire_write_health(const PeerHealth *h)
{
        struct json_object *o = json_object_new_object();

        wire_json_add_bool(o, "healthy", h->healthy);
        wire_json_add_uint(o, "agent_count", h->agent_count);
        wire_json_add_text(o, "hostname", h->hostname);
        return wire_json_to_bytes(o);
}

int wire_read_health(const char *text, size_t size, PeerHealth *ret, Fault *fault)
{
        PeerHealth h = { 0 };
        int r = read_answer(text, size, health_fields, ELEMENTSOF(health_fields), &h, fault);

        if (r < 0)
                peer_health_done(&h);
        else
                *ret = h;
        return r;
}

char *wire_agent_path(const char *agent_id)
{
        g_autofree char *escaped = g_uri_escape_string(agent_id, NULL, FALSE);

        return g_strconcat(WIRE_AGENTS "/", escaped, NULL);
}
