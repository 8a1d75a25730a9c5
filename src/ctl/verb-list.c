/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list */

#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "columns.h"
#include "escape.h"
#include "pager.h"
#include "strv.h"
#include "text.h"
#include "time-util.h"
#include "variant-json.h"
#include "verbs.h"

static char *cell_id(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->id);
}

static char *cell_guild(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->guild);
}

static char *cell_name(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->name);
}

static char *cell_state(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->state);
}

static char *cell_pid(const void *p)
{
        const AgentRow *row = p;

        return row->pid > 0 ? g_strdup_printf("%" PRIu32, row->pid) : g_strdup("-");
}

static char *cell_created(const void *p)
{
        const AgentRow *row = p;

        return row->created_at_usec > 0 ? text_of_time(row->created_at_usec) : g_strdup("-");
}

static char *cell_age(const void *p)
{
        const AgentRow *row = p;

        return row->created_at_usec > 0 ? text_of_age(row->created_at_usec, now_usec(CLOCK_REALTIME))
                                        : g_strdup("-");
}

static char *cell_alive(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->alive ? "yes" : "no");
}

static char *cell_object(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->object);
}

static char *cell_unit(const void *p)
{
        const AgentRow *row = p;
        char *unit;

        if (agent_unit_name(row->id, &unit) < 0)
                g_error("Out of memory");
        return unit;
}

static char *cell_host(const void *p)
{
        const AgentRow *row = p;

        return g_strdup(row->host ? row->host : "-");
}

static Colour state_colour(const void *p)
{
        const AgentRow *row = p;

        return term_state_colour(row->state);
}

static const Column list_columns[] = {
        { "id", { .title = "ID", .min = 8 }, cell_id, .shown = COLUMN_SHOWN },
        { "host", { .title = "HOST", .min = 8 }, cell_host, .shown = COLUMN_OF_FLEET },
        { "guild", { .title = "GUILD", .min = 6 }, cell_guild, .shown = COLUMN_SHOWN },
        { "state", { .title = "STATE", .min = 7 }, cell_state, .shown = COLUMN_SHOWN,
                .colour = state_colour },
        { "pid", { .title = "PID", .right = true }, cell_pid, .shown = COLUMN_SHOWN },
        { "age", { .title = "CREATED", .min = 7 }, cell_age, .shown = COLUMN_SHOWN },
        { "name", { .title = "NAME", .min = 4 }, cell_name, .shown = COLUMN_SHOWN },
        { "created", { .title = "CREATED AT", .min = 15 }, .text = cell_created },
        { "alive", { .title = "ALIVE" }, .text = cell_alive },
        { "unit", { .title = "UNIT", .min = 8 }, .text = cell_unit },
        { "object", { .title = "OBJECT", .min = 8 }, .text = cell_object },
};

static struct json_object *row_to_json(const AgentRow *row)
{
        struct json_object *o = json_object_new_object();
        g_autofree char *unit = cell_unit(row);

        object_add_text(o, "id", row->id);
        object_add_text(o, "guild", row->guild);
        object_add_text(o, "name", row->name);
        object_add_text(o, "state", row->state);
        json_object_object_add(o, "alive", json_object_new_boolean(row->alive));
        json_object_object_add(o, "pid", row->pid > 0 ? json_object_new_int64(row->pid) : NULL);
        json_object_object_add(o, "created", json_object_new_uint64(row->created_at_usec));
        object_add_text(o, "unit", unit);
        object_add_text(o, "object", row->object);
        if (row->host)
                object_add_text(o, "host", row->host);
        return o;
}

static void print_json(const GPtrArray *rows, JsonMode mode)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();

        for (guint i = 0; i < rows->len; i++)
                json_object_array_add(array, row_to_json(rows->pdata[i]));
        json_print(array, mode);
}

static void keep_states(GPtrArray *rows, char *const *states)
{
        for (guint i = rows->len; states && i-- > 0;)
                if (!strv_contains(states, ((const AgentRow *)rows->pdata[i])->state))
                        g_ptr_array_remove_index(rows, i);
}

int verb_list(Ctl *ctl, char **arguments)
{
        const Options *o = ctl->options;
        g_autoptr(GPtrArray) rows = NULL;
        Columns columns;
        int r;

        (void)arguments;

        r = columns_choose(o, list_columns, ELEMENTSOF(list_columns), &columns);
        if (r == EXIT_OK)
                r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = agents_list(ctl, o->guild, &rows);
        if (r != EXIT_OK)
                return r;

        keep_states(rows, o->states);
        pager_open(o);
        if (o->json != JSON_OFF)
                print_json(rows, o->json);
        else
                columns_print(&columns, rows, "agent", o);
        return ctl->incomplete ? EXIT_FAILED : EXIT_OK;
}
