/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* status without an agent: how the host is. */

#include "status.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "log.h"
#include "pager.h"
#include "proto/names.h"
#include "term.h"
#include "variant-json.h"

#define SLICE "agents.slice"

/* "3 running, 1 failed", in the order of the rows. */
static char *count_states(const GPtrArray *rows)
{
        g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GList) states = NULL;
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < rows->len; i++) {
                char *state = ((AgentRow *)rows->pdata[i])->state;
                guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, state));

                g_hash_table_insert(counts, state, GUINT_TO_POINTER(n + 1));
        }
        states = g_list_sort(g_hash_table_get_keys(counts), (GCompareFunc)strcmp);
        for (GList *l = states; l; l = l->next)
                g_string_append_printf(text, "%s%u %s", l == states ? "" : ", ",
                        GPOINTER_TO_UINT(g_hash_table_lookup(counts, l->data)), (const char *)l->data);
        return g_string_free(text, false);
}

static char *list_unsupported(struct json_object *properties)
{
        GString *text = g_string_new(NULL);
        struct json_object *list;

        if (json_object_object_get_ex(properties, "UnsupportedProperties", &list) &&
                json_object_is_type(list, json_type_array))
                for (size_t i = 0; i < json_object_array_length(list); i++)
                        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
                                json_object_get_string(json_object_array_get_idx(list, i)));
        return g_string_free(text, false);
}

/* Of what hosts share, if they do. */
static void print_state(const char *label, const char *state)
{
        Colour colour = strcmp(state, "ok") == 0 ? COLOUR_NONE
                : strcmp(state, "down") == 0     ? COLOUR_RED
                                                 : COLOUR_YELLOW;

        if (*state && strcmp(state, "off") != 0)
                status_line(label, "%s%s%s", term_colour(colour), state, term_plain());
}

static void print_host(Ctl *ctl, struct json_object *p, bool healthy, const GPtrArray *rows)
{
        g_autofree char *counts = count_states(rows), *unsupported = list_unsupported(p);
        const char *state = healthy ? "running" : "failed";
        UnitInfo unit;

        printf("%s%s%s %s\n", term_colour(term_state_colour(state)), term_dot(state), term_plain(),
                object_text(p, "Hostname"));
        status_line("Address", "%s", object_text(p, "Address"));
        status_line("Version", "%s", object_text(p, "Version"));
        status_line("Health", "%s%s%s", healthy ? "" : term_colour(COLOUR_RED),
                healthy ? "agents can be started" : "agents cannot be started: see 'agentctl health'",
                healthy ? "" : term_plain());
        status_line("Agents", "%" PRIu64 " of at most %" PRIu64 "%s%s%s", object_number(p, "AgentCount"),
                object_number(p, "MaxAgents"), *counts ? " (" : "", counts, *counts ? ")" : "");
        if (object_bool(p, "Draining"))
                status_line("Draining", "%syes%s: no new agents are taken until 'agentctl resume'",
                        term_colour(COLOUR_YELLOW), term_plain());
        print_state("Registry", object_text(p, "RegistryState"));
        print_state("Discovery", object_text(p, "DiscoveryState"));
        if (*unsupported && ctl->options->full)
                status_line("Unsupported", "%s", unsupported);

        unit_info_get(ctl, SLICE, &unit);
        if (unit.cgroup && !process_tree_is_empty(unit.processes))
                status_tree(&unit, ctl->options);
        unit_info_done(&unit);
}

int status_of_host(Ctl *ctl)
{
        _cleanup_object_ struct json_object *properties = NULL;
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const Options *o = ctl->options;
        g_autoptr(GPtrArray) rows = NULL;
        int healthy, r;

        if (properties_get(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, &properties, &error) < 0)
                return ctl_report(NULL, &error);
        r = ctl_call_manager(ctl, "Health", 0, &reply, "");
        if (r == EXIT_OK)
                r = agents_list(ctl, NULL, &rows);
        if (r != EXIT_OK)
                return r;
        if (sd_bus_message_read(reply, "bus", &healthy, NULL, NULL) < 0)
                return ctl_report_errno("The answer of Health cannot be read", -EBADMSG);

        pager_open(o);
        if (o->json != JSON_OFF) {
                json_object_object_add(properties, "Healthy", json_object_new_boolean(healthy));
                json_print(properties, o->json);
        } else
                print_host(ctl, properties, healthy, rows);
        return EXIT_OK;
}
