/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* runtimes */

#include <inttypes.h>

#include "columns.h"
#include "log.h"
#include "pager.h"
#include "variant-json.h"
#include "verbs.h"

/* A row is the runtime's dictionary as JSON, with its name in it. */
static struct json_object *row_of(const void *p)
{
        return (struct json_object *)p;
}

static void row_free(gpointer p)
{
        json_object_put(p);
}

static char *text_of(const void *p, const char *key)
{
        const char *text = object_text(row_of(p), key);

        return g_strdup(*text ? text : "-");
}

/* "a b c" */
static char *list_of(const void *p, const char *key)
{
        GString *text = g_string_new(NULL);
        struct json_object *list;

        if (json_object_object_get_ex(row_of(p), key, &list) && json_object_is_type(list, json_type_array))
                for (size_t i = 0; i < json_object_array_length(list); i++)
                        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                                json_object_get_string(json_object_array_get_idx(list, i)));
        if (text->len == 0)
                g_string_append_c(text, '-');
        return g_string_free(text, false);
}

#define CELL(name, expression)                    \
        static char *cell_##name(const void *row) \
        {                                         \
                return (expression);              \
        }

CELL(name, text_of(row, "Name"))
CELL(default, g_strdup(object_bool(row_of(row), "Default") ? "yes" : "-"))
CELL(type, text_of(row, "Type"))
CELL(user, text_of(row, "User"))
CELL(restart, text_of(row, "Restart"))
CELL(match, list_of(row, "Match"))
CELL(executable, text_of(row, "Executable"))
CELL(file, text_of(row, "File"))
CELL(client_types, list_of(row, "ClientTypes"))
CELL(environment, list_of(row, "AllowEnvironment"))
CELL(properties, list_of(row, "UnitProperties"))

static const Column runtime_columns[] = {
        { "name", { .title = "NAME", .min = 8 }, cell_name, .shown = COLUMN_SHOWN },
        { "default", { .title = "DEFAULT" }, cell_default, .shown = COLUMN_SHOWN },
        { "type", { .title = "TYPE" }, cell_type, .shown = COLUMN_SHOWN },
        { "user", { .title = "USER", .min = 6 }, cell_user, .shown = COLUMN_SHOWN },
        { "match", { .title = "MATCH", .min = 8 }, cell_match, .shown = COLUMN_SHOWN },
        { "executable", { .title = "EXECUTABLE", .min = 8 }, cell_executable, .shown = COLUMN_SHOWN },
        { "restart", { .title = "RESTART" }, .text = cell_restart },
        { "file", { .title = "FILE", .min = 8 }, .text = cell_file },
        { "client-types", { .title = "CLIENT TYPES", .min = 8 }, .text = cell_client_types },
        { "environment", { .title = "ENVIRONMENT", .min = 8 }, .text = cell_environment },
        { "properties", { .title = "PROPERTIES", .min = 8 }, .text = cell_properties },
};

static int read_runtime(sd_bus_message *m, struct json_object **ret)
{
        _cleanup_object_ struct json_object *row = json_object_new_object(), *dictionary = NULL;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = message_read_json(m, &dictionary);
        if (r < 0)
                return r;
        object_add_text(row, "Name", name);
        json_object_object_foreach(dictionary, key, value)
        {
                json_object_object_add(row, key, json_object_get(value));
        }
        *ret = steal_ptr(row);
        return 0;
}

static int read_runtimes(sd_bus_message *m, GPtrArray *rows, uint32_t *ret_refused)
{
        struct json_object *row;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(sa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sa{sv}")) > 0) {
                r = read_runtime(m, &row);
                if (r >= 0) {
                        g_ptr_array_add(rows, row);
                        r = sd_bus_message_exit_container(m);
                }
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_read(m, "u", ret_refused);
}

static void print_json(const GPtrArray *rows, JsonMode mode)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();

        for (guint i = 0; i < rows->len; i++)
                json_object_array_add(array, json_object_get(rows->pdata[i]));
        json_print(array, mode);
}

/* Who looks for one that he has written should not look for long. */
static void tell_refused(uint32_t n, const Options *o)
{
        if (n > 0 && !o->no_legend)
                log_warning("%" PRIu32 " more file%s not offered, because of what is wrong in %s: see "
                            "'agentctl%s check-config'",
                        n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them", o->user ? " --user" : "");
}

int verb_runtimes(Ctl *ctl, char **arguments)
{
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const Options *o = ctl->options;
        uint32_t n_refused;
        Columns columns;
        int r;

        (void)arguments;

        r = columns_choose(o, runtime_columns, ELEMENTSOF(runtime_columns), &columns);
        if (r == EXIT_OK)
                r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = ctl_call_manager(ctl, "ListRuntimes", 0, &reply, "");
        if (r != EXIT_OK)
                return r;
        r = read_runtimes(reply, rows, &n_refused);
        if (r < 0)
                return ctl_report_errno("The answer of ListRuntimes cannot be read", r);

        pager_open(o);
        if (o->json != JSON_OFF)
                print_json(rows, o->json);
        else
                columns_print(&columns, rows, "runtime", o);
        tell_refused(n_refused, o);
        return EXIT_OK;
}
