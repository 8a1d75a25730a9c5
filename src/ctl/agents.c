/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents.h"

#include <string.h>

#include "log.h"
#include "strv.h"
#include "text.h"

#define ROW_TYPE "(sssubtso)"
#define FLEET_ROW_TYPE "(sssubtsos)"
#define MISSING_TYPE "(ss)"

static void row_free(gpointer p)
{
        AgentRow *row = p;

        g_free(row->id);
        g_free(row->guild);
        g_free(row->name);
        g_free(row->state);
        g_free(row->object);
        g_free(row->host);
        g_free(row);
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
        const AgentRow *x = *(const AgentRow *const *)a, *y = *(const AgentRow *const *)b;
        int by_guild = strcmp(x->guild, y->guild);

        return by_guild != 0 ? by_guild : strcmp(x->id, y->id);
}

static int read_rows(sd_bus_message *m, bool fleet, GPtrArray *rows)
{
        const char *type = fleet ? FLEET_ROW_TYPE : ROW_TYPE;
        const char *id, *guild, *name, *state, *object, *host = NULL;
        uint64_t created_at_usec;
        uint32_t pid;
        int alive, r;

        r = sd_bus_message_enter_container(m, 'a', type);
        while (r >= 0 &&
                (r = sd_bus_message_read(m, type, &id, &guild, &name, &pid, &alive, &created_at_usec, &state,
                         &object, &host)) > 0) {
                AgentRow *row = g_new(AgentRow, 1);

                *row = (AgentRow){ g_strdup(id), g_strdup(guild), g_strdup(name), g_strdup(state),
                        g_strdup(object), pid, alive, created_at_usec, g_strdup(host) };
                g_ptr_array_add(rows, row);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The hosts that have not answered. */
static int read_missing(Ctl *ctl, sd_bus_message *m)
{
        const char *address, *why;
        int r;

        r = sd_bus_message_enter_container(m, 'a', MISSING_TYPE);
        while (r >= 0 && (r = sd_bus_message_read(m, MISSING_TYPE, &address, &why)) > 0) {
                g_autofree char *clean = text_clean(why, strlen(why), false);

                ctl->incomplete = true;
                log_error("The agents of %s are not known: %s", address, clean);
        }
        return r;
}

int agents_list(Ctl *ctl, const char *guild, GPtrArray **ret)
{
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
        _cleanup_message_ sd_bus_message *reply = NULL;
        bool fleet = ctl->options->fleet;
        int r;

        r = ctl_call_manager(ctl, fleet ? "ListFleetAgents" : "ListAgents", fleet ? CALL_NO_LIMIT : 0,
                &reply, "s", guild ? guild : "");
        if (r != EXIT_OK)
                return r;
        r = read_rows(reply, fleet, rows);
        if (r >= 0 && fleet)
                r = read_missing(ctl, reply);
        if (r < 0)
                return ctl_report_errno("The list of agents cannot be read", r);

        g_ptr_array_sort(rows, compare_rows);
        *ret = steal_ptr(rows);
        return EXIT_OK;
}

static int list_ids(Ctl *ctl, const char *guild, char ***ret)
{
        g_autoptr(GPtrArray) rows = NULL;
        int r = agents_list(ctl, guild, &rows);

        if (r != EXIT_OK)
                return r;
        if (rows->len == 0) {
                log_error("There is no agent of guild '%s' on %s host", guild,
                        ctl->options->fleet ? "any" : "this");
                return EXIT_NO_AGENT;
        }
        for (guint i = 0; i < rows->len; i++)
                if (strv_extend(ret, ((AgentRow *)rows->pdata[i])->id) < 0)
                        g_error("Out of memory");
        return EXIT_OK;
}

int agents_meant(Ctl *ctl, char **arguments, bool may_be_none, char ***ret)
{
        const char *guild = ctl->options->guild;

        *ret = NULL;
        if (guild && arguments[0]) {
                log_error("Either name agents or give --guild=, not both");
                return EXIT_USAGE;
        }
        if (guild)
                return list_ids(ctl, guild, ret);
        if (!arguments[0] && !may_be_none) {
                log_error(
                        "Which agents? Name them by their ids ('agentctl list' shows them), or give --guild=");
                return EXIT_USAGE;
        }

        for (char **a = arguments; *a; a++)
                if (strv_extend(ret, *a) < 0)
                        g_error("Out of memory");
        return EXIT_OK;
}
