/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* monitor */

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "log.h"
#include "proto/names.h"
#include "strv.h"
#include "term.h"
#include "text.h"
#include "time-util.h"
#include "variant-json.h"
#include "verbs.h"

#define MATCH "type='signal',sender='" BUS_NAME "',path_namespace='" HOST_PATH "'"
#define MATCH_OWNER                                                                            \
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member=" \
        "'NameOwnerChanged',arg0='" BUS_NAME "'"

typedef struct Monitor {
        const Options *options;
        char **ids; /* NULL: all */
        GHashTable *guilds; /* id -> guild; only if it matters */
} Monitor;

static bool is_wanted(const Monitor *m, const char *id)
{
        if (m->ids)
                return strv_contains(m->ids, id);
        return !m->guilds || g_strcmp0(g_hash_table_lookup(m->guilds, id), m->options->guild) == 0;
}

static void print_event_json(
        uint64_t now, const char *event, const char *id, struct json_object *details, JsonMode mode)
{
        _cleanup_object_ struct json_object *o = json_object_new_object();

        json_object_object_add(o, "time", json_object_new_uint64(now));
        object_add_text(o, "event", event);
        if (id)
                object_add_text(o, "id", id);
        json_object_object_foreach(details, name, value)
        {
                json_object_object_add(o, name, json_object_get(value));
        }
        json_print(o, mode);
}

static void print_event(uint64_t now, const char *event, const char *id, struct json_object *details)
{
        g_autofree char *time = text_of_time(now),
                        *clean = text_clean(id ? id : "", id ? strlen(id) : 0, false);

        printf("%s%s%s %s%s%s", term_colour(COLOUR_GREY), time, term_plain(), event, *clean ? " " : "",
                clean);
        json_object_object_foreach(details, name, value)
        {
                const char *raw = json_object_get_string(value);
                g_autofree char *shown = text_clean(raw, strlen(raw), false);

                printf(" %s=%s", name, shown);
        }
        putchar('\n');
        fflush(stdout);
}

/* details is released. */
static void tell(const Monitor *m, const char *event, const char *id, struct json_object *details)
{
        _cleanup_object_ struct json_object *owned = details ? details : json_object_new_object();
        uint64_t now = now_usec(CLOCK_REALTIME);

        if (m->options->json != JSON_OFF)
                print_event_json(now, event, id, owned, m->options->json);
        else
                print_event(now, event, id, owned);
}

static void on_exited(const Monitor *m, sd_bus_message *message, const char *id)
{
        struct json_object *details = json_object_new_object();
        const char *result;
        int status;

        if (sd_bus_message_read(message, "si", &result, &status) >= 0) {
                object_add_text(details, "result", result);
                json_object_object_add(details, "exit_status", json_object_new_int(status));
        }
        tell(m, "exited", id, details);
}

static int on_manager_signal(const Monitor *m, sd_bus_message *message)
{
        const char *member = sd_bus_message_get_member(message), *id;

        if (!g_str_has_prefix(member, "Agent") || sd_bus_message_read(message, "so", &id, NULL) < 0)
                return 0;
        if (!is_wanted(m, id))
                return 0;
        if (strcmp(member, "AgentAdded") == 0)
                tell(m, "added", id, NULL);
        else if (strcmp(member, "AgentExited") == 0)
                on_exited(m, message, id);
        else if (strcmp(member, "AgentRemoved") == 0)
                tell(m, "removed", id, NULL);
        return 0;
}

/* Of an agent: the guild that it is of comes with its object, before AgentAdded. */
static int on_interfaces(const Monitor *m, sd_bus_message *message)
{
        _cleanup_object_ struct json_object *interfaces = NULL;
        struct json_object *agent;
        const char *path;

        if (!m->guilds || strcmp(sd_bus_message_get_member(message), "InterfacesAdded") != 0)
                return 0;
        if (sd_bus_message_read(message, "o", &path) < 0 || message_read_json(message, &interfaces) < 0 ||
                !json_object_object_get_ex(interfaces, AGENT_INTERFACE, &agent))
                return 0;
        g_hash_table_replace(
                m->guilds, g_strdup(object_text(agent, "Id")), g_strdup(object_text(agent, "GuildId")));
        return 0;
}

/* States, and what agents say of themselves. */
static int on_properties(const Monitor *m, sd_bus_message *message)
{
        _cleanup_object_ struct json_object *changed = NULL;
        struct json_object *details, *value;
        _cleanup_free_ char *id = NULL;
        const char *interface;

        if (sd_bus_path_decode(sd_bus_message_get_path(message), AGENT_PATH_PREFIX, &id) <= 0 ||
                sd_bus_message_read(message, "s", &interface) < 0 ||
                strcmp(interface, AGENT_INTERFACE) != 0 || message_read_json(message, &changed) < 0 ||
                !is_wanted(m, id))
                return 0;
        if (json_object_object_get_ex(changed, "State", &value)) {
                details = json_object_new_object();
                json_object_object_add(details, "state", json_object_get(value));
                tell(m, "state", id, details);
        }
        if (json_object_object_get_ex(changed, "StatusText", &value)) {
                details = json_object_new_object();
                json_object_object_add(details, "text", json_object_get(value));
                tell(m, "status", id, details);
        }
        return 0;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *interface = sd_bus_message_get_interface(message);

        (void)error;

        if (strcmp(interface, MANAGER_INTERFACE) == 0)
                return on_manager_signal(userdata, message);
        if (strcmp(interface, "org.freedesktop.DBus.ObjectManager") == 0)
                return on_interfaces(userdata, message);
        if (strcmp(interface, "org.freedesktop.DBus.Properties") == 0)
                return on_properties(userdata, message);
        return 0;
}

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *owner;

        (void)error;

        if (sd_bus_message_read(message, "sss", NULL, NULL, &owner) >= 0)
                tell(userdata, *owner ? "service is there" : "service is gone", NULL, NULL);
        return 0;
}

static int learn_guilds(Ctl *ctl, Monitor *m)
{
        g_autoptr(GPtrArray) rows = NULL;
        int r;

        if (!ctl->options->guild)
                return EXIT_OK;
        m->guilds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        r = agents_list(ctl, NULL, &rows);
        for (guint i = 0; r == EXIT_OK && i < rows->len; i++) {
                const AgentRow *row = rows->pdata[i];

                g_hash_table_replace(m->guilds, g_strdup(row->id), g_strdup(row->guild));
        }
        return r;
}

static int subscribe(Ctl *ctl, Monitor *m)
{
        int r = ctl_catch_interrupt(ctl->event);

        if (r >= 0)
                r = sd_bus_add_match(ctl->bus, NULL, MATCH, on_signal, m);
        if (r >= 0)
                r = sd_bus_add_match(ctl->bus, NULL, MATCH_OWNER, on_owner, m);
        return r < 0 ? ctl_report_errno("Cannot subscribe to signals", r) : EXIT_OK;
}

int verb_monitor(Ctl *ctl, char **arguments)
{
        Monitor m = { .options = ctl->options, .ids = arguments[0] ? arguments : NULL };
        int r;

        if (m.ids && m.options->guild) {
                log_error("Either name agents or give --guild=, not both");
                return EXIT_USAGE;
        }
        r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = subscribe(ctl, &m);
        if (r == EXIT_OK)
                r = learn_guilds(ctl, &m);
        if (r == EXIT_OK) {
                /* Whoever reads it knows that nothing is missed from here on. */
                if (!m.options->no_legend)
                        log_info("Waiting for events; Ctrl-C ends it");
                r = ctl_end_of(ctl->event, MIN(sd_event_loop(ctl->event), 0));
        }
        g_clear_pointer(&m.guilds, g_hash_table_unref);
        return r;
}
