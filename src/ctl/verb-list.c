/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list */

#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "escape.h"
#include "log.h"
#include "pager.h"
#include "strv.h"
#include "table.h"
#include "text.h"
#include "time-util.h"
#include "variant-json.h"
#include "verbs.h"

typedef char *(*CellText)(const AgentRow *row);

static char *cell_id(const AgentRow *row)
{
        return g_strdup(row->id);
}

static char *cell_guild(const AgentRow *row)
{
        return g_strdup(row->guild);
}

static char *cell_name(const AgentRow *row)
{
        return g_strdup(row->name);
}

static char *cell_state(const AgentRow *row)
{
        return g_strdup(row->state);
}

static char *cell_pid(const AgentRow *row)
{
        return row->pid > 0 ? g_strdup_printf("%" PRIu32, row->pid) : g_strdup("-");
}

static char *cell_created(const AgentRow *row)
{
        return row->created_at_usec > 0 ? text_of_time(row->created_at_usec) : g_strdup("-");
}

static char *cell_age(const AgentRow *row)
{
        return row->created_at_usec > 0 ? text_of_age(row->created_at_usec, now_usec(CLOCK_REALTIME))
                                        : g_strdup("-");
}

static char *cell_alive(const AgentRow *row)
{
        return g_strdup(row->alive ? "yes" : "no");
}

static char *cell_object(const AgentRow *row)
{
        return g_strdup(row->object);
}

static char *cell_unit(const AgentRow *row)
{
        char *unit;

        if (agent_unit_name(row->id, &unit) < 0)
                g_error("Out of memory");
        return unit;
}

static const struct ListColumn {
        const char *name;
        TableColumn table;
        CellText text;
        bool by_default;
} list_columns[] = {
        { "id", { .title = "ID", .min = 8 }, cell_id, true },
        { "guild", { .title = "GUILD", .min = 6 }, cell_guild, true },
        { "state", { .title = "STATE" }, cell_state, true },
        { "pid", { .title = "PID", .right = true }, cell_pid, true },
        { "age", { .title = "CREATED" }, cell_age, true },
        { "name", { .title = "NAME", .min = 4 }, cell_name, true },
        { "created", { .title = "CREATED AT" }, cell_created, false },
        { "alive", { .title = "ALIVE" }, cell_alive, false },
        { "unit", { .title = "UNIT", .min = 8 }, cell_unit, false },
        { "object", { .title = "OBJECT", .min = 8 }, cell_object, false },
};

#define COLUMNS_MAX 32u

static const struct ListColumn *find_column(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(list_columns); i++)
                if (strcmp(list_columns[i].name, name) == 0)
                        return &list_columns[i];
        return NULL;
}

static int unknown_column(const char *name)
{
        g_autoptr(GString) known = g_string_new(NULL);

        for (size_t i = 0; i < ELEMENTSOF(list_columns); i++)
                g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", list_columns[i].name);
        log_error("There is no column '%s'; there are: %s", name, known->str);
        return EXIT_USAGE;
}

static int choose_columns(const Options *o, const struct ListColumn **ret, size_t *ret_n)
{
        *ret_n = 0;
        for (size_t i = 0; !o->columns && i < ELEMENTSOF(list_columns); i++)
                if (list_columns[i].by_default)
                        ret[(*ret_n)++] = &list_columns[i];
        for (char **name = o->columns; name && *name && *ret_n < COLUMNS_MAX; name++) {
                ret[*ret_n] = find_column(*name);
                if (!ret[(*ret_n)++])
                        return unknown_column(*name);
        }
        return EXIT_OK;
}

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
        return o;
}

static void print_json(const GPtrArray *rows, JsonMode mode)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();

        for (guint i = 0; i < rows->len; i++)
                json_object_array_add(array, row_to_json(rows->pdata[i]));
        json_print(array, mode);
}

static void print_table(
        const GPtrArray *rows, const struct ListColumn **columns, size_t n_columns, const Options *o)
{
        const TableColumn *shown[COLUMNS_MAX];
        _cleanup_(table_freep) Table *table = NULL;

        for (size_t i = 0; i < n_columns; i++)
                shown[i] = &columns[i]->table;
        table = table_new(shown, n_columns);
        for (guint i = 0; i < rows->len; i++) {
                const AgentRow *row = rows->pdata[i];

                for (size_t k = 0; k < n_columns; k++) {
                        g_autofree char *text = columns[k]->text(row);

                        table_add(table, text,
                                columns[k]->text == cell_state ? term_state_colour(row->state)
                                                               : COLOUR_NONE);
                }
        }

        table_print(table, stdout, o->full ? 0 : term_width(), !o->no_legend && rows->len > 0);
        if (!o->no_legend)
                printf("%s%u agent%s listed.\n", rows->len > 0 ? "\n" : "", rows->len,
                        rows->len == 1 ? "" : "s");
}

static void keep_states(GPtrArray *rows, char *const *states)
{
        for (guint i = rows->len; states && i-- > 0;)
                if (!strv_contains(states, ((const AgentRow *)rows->pdata[i])->state))
                        g_ptr_array_remove_index(rows, i);
}

int verb_list(Ctl *ctl, char **arguments)
{
        const struct ListColumn *columns[COLUMNS_MAX];
        const Options *o = ctl->options;
        g_autoptr(GPtrArray) rows = NULL;
        size_t n_columns;
        int r;

        (void)arguments;

        r = choose_columns(o, columns, &n_columns);
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
                print_table(rows, columns, n_columns, o);
        return EXIT_OK;
}
