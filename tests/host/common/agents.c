/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents.h"

#include <glib.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>

#include "escape.h"
#include "host-state.h"
#include "outcome.h"

void agents_prepare(void)
{
        /* However slow the machine is, none is late unless a test wants it. */
        static const char patient[] = "StartTimeoutSec=1h";

        runtime_add(EXEC, "exec", "wait", NULL);
        runtime_add(NOTIFY, "notify", "ready wait", patient);
        runtime_add(SILENT, "notify", "status=waiting wait ready wait", patient);
        runtime_add(STUBBORN, "notify", "ignore-term children=1 ready wait", patient);
        host_reload();
}

Client *agents_begin(void)
{
        agents_prepare();
        return client_new();
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
        if (text)
                json_object_object_add(o, key, json_object_new_string(text));
}

static char *take_json(struct json_object *o)
{
        char *text = g_strdup(json_object_to_json_string(o));

        json_object_put(o);
        return text;
}

static char *agent_text(const Create *create)
{
        struct json_object *o = json_object_new_object();

        put_text(o, "id", create->id);
        put_text(o, "name", create->name ? create->name : "Agent of a test");
        put_text(o, "class_name", create->class_name);
        return take_json(o);
}

char *agent_spec_text(const char *id)
{
        return agent_text(&(Create){ .id = id });
}

static char *guild_text(const Create *create)
{
        struct json_object *o = json_object_new_object();

        put_text(o, "id", create->guild ? create->guild : "g");
        return take_json(o);
}

static void append_text_option(sd_bus_message *m, const char *key, const char *value)
{
        if (value)
                must(sd_bus_message_append(m, "{sv}", key, "s", value), key);
}

static void append_options(sd_bus_message *m, const Create *create)
{
        must(sd_bus_message_open_container(m, 'a', "{sv}"), "options");
        append_text_option(m, "runtime", create->runtime ? create->runtime : EXEC);
        append_text_option(m, "wait", create->wait);
        append_text_option(m, "request_id", create->request_id);
        append_text_option(m, "client_type", create->client_type);
        append_text_option(m, "restart", create->restart);
        append_text_option(m, "client_properties", create->client_properties);
        if (create->environment)
                must(sd_bus_message_append(m, "{sv}", "environment", "as", 1, create->environment),
                        "environment");
        if (create->timeout_usec > 0)
                must(sd_bus_message_append(m, "{sv}", "timeout", "t", create->timeout_usec), "timeout");
        if (create->machine_id != 0)
                must(sd_bus_message_append(m, "{sv}", "machine_id", "i", create->machine_id), "machine_id");
        if (create->takeover)
                must(sd_bus_message_append(m, "{sv}", "takeover", "b", 1), "takeover");
        must(sd_bus_message_close_container(m), "options");
}

Call *create_send(Client *c, const Create *create)
{
        g_autofree char *agent = create->agent_spec ? NULL : agent_text(create);
        g_autofree char *guild = create->guild_spec ? NULL : guild_text(create);
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(
                     client_bus(c), &m, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "CreateAgent"),
                "CreateAgent");
        must(sd_bus_message_append(m, "sss", agent ? agent : create->agent_spec,
                     guild ? guild : create->guild_spec,
                     create->messaging_config ? create->messaging_config : ""),
                "CreateAgent");
        append_options(m, create);
        return client_send_message(c, m);
}

pid_t create(Client *c, const Create *create)
{
        _cleanup_message_ sd_bus_message *answer = call_success(create_send(c, create));
        g_autofree char *expected_path = NULL;
        const char *id, *path;
        uint32_t pid;

        must(sd_bus_message_read(answer, "suo", &id, &pid, &path), "reading CreateAgent's answer");
        if (create->id)
                expect_text("id in CreateAgent's answer", create->id, id);
        expected_path = agent_path(id);
        expect_text("object in CreateAgent's answer", expected_path, path);
        return (pid_t)pid;
}

void create_expect_error(Client *c, const Create *create, const char *name, const char *part)
{
        call_expect_error(create_send(c, create), name, part);
}

pid_t create_when_possible(Client *c, const char *id)
{
        for (;;) {
                _cleanup_message_ sd_bus_message *answer =
                        call_answer(create_send(c, &(Create){ .id = id }));
                uint32_t pid;

                if (sd_bus_message_is_method_error(answer, ERROR_("LauncherUnavailable")))
                        continue;
                must(sd_bus_message_read(answer, "suo", NULL, &pid, NULL), "reading CreateAgent's answer");
                return (pid_t)pid;
        }
}

char *agent_path(const char *id)
{
        char *path;

        must(sd_bus_path_encode(AGENT_PATH_PREFIX, id, &path), "object path");
        return path;
}

char *agent_unit(const char *id)
{
        char *unit;

        must(agent_unit_name(id, &unit), "unit name");
        return unit;
}

char *agent_property(Client *c, const char *id, const char *name)
{
        _cleanup_free_ char *path = agent_path(id);

        return client_property(c, path, AGENT_INTERFACE, name);
}

void agent_expect(Client *c, const char *id, const char *name, const char *expected)
{
        _cleanup_free_ char *path = agent_path(id);

        client_expect_property(c, path, AGENT_INTERFACE, name, expected);
}

void agent_wait(Client *c, const char *id, const char *name, const char *expected)
{
        _cleanup_free_ char *path = agent_path(id);

        client_wait_property(c, path, AGENT_INTERFACE, name, expected);
}

void agent_wait_end(Client *c, const char *id, const char *result, int exit_status)
{
        _cleanup_message_ sd_bus_message *m = client_take_signal(c, "AgentExited", id);
        _cleanup_free_ char *expected_path = agent_path(id);
        const char *path, *got_result;
        int got_status;

        must(sd_bus_message_read(m, "sosi", NULL, &path, &got_result, &got_status), "reading AgentExited");
        expect_text("object in AgentExited", expected_path, path);
        expect_text("result in AgentExited", result, got_result);
        expect_number("exit status in AgentExited", exit_status, got_status);
}

void agent_signal(Client *c, const char *id, int signal_number)
{
        _cleanup_free_ char *path = agent_path(id);

        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Kill", "si", "main", signal_number));
}

void agent_let_be_ready(Client *c, const char *id)
{
        agent_wait(c, id, "StatusText", "waiting");
        agent_signal(c, id, SIGUSR1);
}

void agent_restart(Client *c, const char *id)
{
        _cleanup_free_ char *path = agent_path(id);

        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Restart", ""));
}

bool agent_stop(Client *c, const char *id, unsigned timeout_sec)
{
        _cleanup_message_ sd_bus_message *answer =
                client_call(c, MANAGER, "StopAgent", "su", id, timeout_sec);
        int stopped;

        must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
        return stopped;
}

bool agent_info(Client *c, const char *id, AgentInfo *ret)
{
        _cleanup_message_ sd_bus_message *answer =
                call_answer(client_send(c, MANAGER, "GetAgentInfo", "s", id));
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        const char *got_id, *guild, *name, *state, *path;
        int alive;

        if (e) {
                expect_text("error of GetAgentInfo", ERROR_("NoSuchAgent"), e->name);
                return false;
        }

        *ret = (AgentInfo){ 0 };
        must(sd_bus_message_read(answer, "(sssubtso)", &got_id, &guild, &name, &ret->pid, &alive,
                     &ret->created_at_usec, &state, &path),
                "reading GetAgentInfo's answer");
        ret->id = g_strdup(got_id);
        ret->guild = g_strdup(guild);
        ret->name = g_strdup(name);
        ret->state = g_strdup(state);
        ret->path = g_strdup(path);
        ret->alive = alive;
        return true;
}

void agent_info_done(AgentInfo *info)
{
        g_free(info->id);
        g_free(info->guild);
        g_free(info->name);
        g_free(info->state);
        g_free(info->path);
}

bool agent_is_known(Client *c, const char *id)
{
        _cleanup_agent_info_ AgentInfo info = { 0 };

        return agent_info(c, id, &info);
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts are the message's. */
static char *join_sorted(GPtrArray *ids)
{
        g_ptr_array_sort(ids, compare_texts);
        g_ptr_array_add(ids, NULL);
        return g_strjoinv(" ", (char **)ids->pdata);
}

char *agent_list(Client *c, const char *guild)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "ListAgents", "s", guild);
        g_autoptr(GPtrArray) ids = g_ptr_array_new();
        const char *id;
        int r;

        must(sd_bus_message_enter_container(answer, 'a', "(sssubtso)"), "reading ListAgents' answer");
        while ((r = sd_bus_message_read(
                        answer, "(sssubtso)", &id, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) > 0)
                g_ptr_array_add(ids, (char *)id);
        must(r, "reading ListAgents' answer");
        return join_sorted(ids);
}

char *agents_clean_up(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "CleanupDeadAgents", "");
        g_autoptr(GPtrArray) ids = g_ptr_array_new();
        const char *id;
        int r;

        must(sd_bus_message_enter_container(answer, 'a', "s"), "reading CleanupDeadAgents' answer");
        while ((r = sd_bus_message_read(answer, "s", &id)) > 0)
                g_ptr_array_add(ids, (char *)id);
        must(r, "reading CleanupDeadAgents' answer");
        return join_sorted(ids);
}
