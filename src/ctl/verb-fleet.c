/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hosts, place */

#include <inttypes.h>
#include <string.h>

#include "columns.h"
#include "log.h"
#include "pager.h"
#include "progress.h"
#include "proto/names.h"
#include "run-spec.h"
#include "text.h"
#include "variant-json.h"
#include "verbs.h"

#define HOST_TYPE "(ssbss)"
#define STATUS_TYPE "{s(uub)}"

typedef struct HostRow {
        char *address, *ip, *zone, *node; /* what is not known is "" */
        bool ready, here;
        int64_t n_agents; /* -1: not known */
        uint32_t capacity; /* 0: not known */
        int draining; /* -1: not known */
} HostRow;

static void row_free(gpointer p)
{
        HostRow *row = p;

        g_free(row->address);
        g_free(row->ip);
        g_free(row->zone);
        g_free(row->node);
        g_free(row);
}

static char *or_dash(const char *text)
{
        return g_strdup(*text ? text : "-");
}

static char *cell_address(const void *p)
{
        const HostRow *row = p;

        return g_strdup(row->address);
}

static char *cell_ready(const void *p)
{
        const HostRow *row = p;

        return g_strdup(row->ready ? "yes" : "no");
}

static Colour ready_colour(const void *p)
{
        const HostRow *row = p;

        return row->ready ? COLOUR_NONE : COLOUR_YELLOW;
}

static char *cell_agents(const void *p)
{
        const HostRow *row = p;

        return row->n_agents >= 0 ? g_strdup_printf("%" PRIi64, row->n_agents) : g_strdup("-");
}

static char *cell_capacity(const void *p)
{
        const HostRow *row = p;

        return row->capacity > 0 ? g_strdup_printf("%" PRIu32, row->capacity) : g_strdup("-");
}

static char *cell_draining(const void *p)
{
        const HostRow *row = p;

        return g_strdup(row->draining < 0 ? "-" : row->draining > 0 ? "yes" : "no");
}

static Colour draining_colour(const void *p)
{
        const HostRow *row = p;

        return row->draining > 0 ? COLOUR_YELLOW : COLOUR_NONE;
}

static char *cell_here(const void *p)
{
        const HostRow *row = p;

        return g_strdup(row->here ? "yes" : "-");
}

static char *cell_zone(const void *p)
{
        const HostRow *row = p;

        return or_dash(row->zone);
}

static char *cell_node(const void *p)
{
        const HostRow *row = p;

        return or_dash(row->node);
}

static char *cell_ip(const void *p)
{
        const HostRow *row = p;

        return or_dash(row->ip);
}

static const Column host_columns[] = {
        { "address", { .title = "ADDRESS", .min = 12 }, cell_address, .shown = COLUMN_SHOWN },
        { "ready", { .title = "READY" }, cell_ready, .shown = COLUMN_SHOWN, .colour = ready_colour },
        { "agents", { .title = "AGENTS", .right = true }, cell_agents, .shown = COLUMN_SHOWN },
        { "capacity", { .title = "CAPACITY", .right = true }, cell_capacity, .shown = COLUMN_SHOWN },
        { "draining", { .title = "DRAINING" }, cell_draining, .shown = COLUMN_SHOWN,
                .colour = draining_colour },
        { "here", { .title = "HERE" }, cell_here, .shown = COLUMN_SHOWN },
        { "zone", { .title = "ZONE", .min = 4 }, cell_zone, .shown = COLUMN_SHOWN },
        { "node", { .title = "NODE", .min = 4 }, cell_node, .shown = COLUMN_SHOWN },
        { "ip", { .title = "IP", .min = 8 }, cell_ip, .shown = COLUMN_SHOWN },
};

static int read_hosts(sd_bus_message *m, GPtrArray *rows)
{
        const char *address, *ip, *zone, *node;
        int ready, r;

        r = sd_bus_message_enter_container(m, 'a', HOST_TYPE);
        while (r >= 0 && (r = sd_bus_message_read(m, HOST_TYPE, &address, &ip, &ready, &zone, &node)) > 0) {
                HostRow *row = g_new(HostRow, 1);

                *row = (HostRow){ g_strdup(address), g_strdup(ip), g_strdup(zone), g_strdup(node), ready,
                        false, -1, 0, -1 };
                g_ptr_array_add(rows, row);
        }
        return r;
}

/* "HOST" of "HOST:PORT". */
static char *host_of(const char *address)
{
        const char *colon = strrchr(address, ':');

        return colon ? g_strndup(address, (gsize)(colon - address)) : g_strdup(address);
}

/* What the registry counts; that it cannot be asked is no reason to show nothing. */
static void count_agents(Ctl *ctl, GPtrArray *rows)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_object_ struct json_object *load = NULL;

        if (sd_bus_call_method(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "GetHostLoad", NULL, &reply,
                    NULL) < 0 ||
                message_read_json(reply, &load) < 0)
                return;
        for (guint i = 0; i < rows->len; i++) {
                HostRow *row = rows->pdata[i];
                g_autofree char *name = host_of(row->address);
                struct json_object *number;

                if (json_object_object_get_ex(load, name, &number))
                        row->n_agents = json_object_get_int64(number);
        }
}

static HostRow *row_of(GPtrArray *rows, const char *hostname)
{
        for (guint i = 0; i < rows->len; i++) {
                HostRow *row = rows->pdata[i];
                g_autofree char *name = host_of(row->address);

                if (strcmp(name, hostname) == 0)
                        return row;
        }
        return NULL;
}

/* What hosts have said of themselves, with a heartbeat: a count is newer. A service that is older does not
 * know of it. */
static void add_statuses(Ctl *ctl, GPtrArray *rows)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        uint32_t n_agents, capacity;
        const char *hostname;
        int draining, r;

        if (sd_bus_call_method(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "GetHostStatuses", NULL,
                    &reply, NULL) < 0)
                return;
        r = sd_bus_message_enter_container(reply, 'a', STATUS_TYPE);
        while (r >= 0 &&
                (r = sd_bus_message_read(reply, STATUS_TYPE, &hostname, &n_agents, &capacity, &draining)) >
                        0) {
                HostRow *row = row_of(rows, hostname);

                if (!row)
                        continue;
                if (row->n_agents < 0)
                        row->n_agents = n_agents;
                row->capacity = capacity;
                row->draining = draining > 0;
        }
}

/* As agenthostd finds itself among them: by its name, else by its address. Itself it can count. */
static void mark_here(GPtrArray *rows, struct json_object *properties)
{
        const char *hostname = object_text(properties, "Hostname"),
                   *address = object_text(properties, "Address");

        for (unsigned by_address = 0; by_address < 2; by_address++)
                for (guint i = 0; i < rows->len; i++) {
                        HostRow *row = rows->pdata[i];
                        g_autofree char *name = host_of(row->address);

                        if (strcmp(by_address ? row->address : name, by_address ? address : hostname) != 0)
                                continue;
                        row->here = true;
                        row->n_agents = object_signed(properties, "AgentCount");
                        return;
                }
}

static int list_hosts(Ctl *ctl, GPtrArray *rows)
{
        _cleanup_object_ struct json_object *properties = NULL;
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = ctl_call_manager(ctl, "ListHosts", 0, &reply, "");
        if (r != EXIT_OK)
                return r;
        r = read_hosts(reply, rows);
        if (r < 0)
                return ctl_report_errno("The answer of ListHosts cannot be read", r);
        if (properties_get(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, &properties, &error) < 0)
                return ctl_report(NULL, &error);
        count_agents(ctl, rows);
        add_statuses(ctl, rows);
        mark_here(rows, properties);
        return EXIT_OK;
}

static struct json_object *host_to_json(const HostRow *row)
{
        struct json_object *o = json_object_new_object();

        object_add_text(o, "address", row->address);
        object_add_text(o, "ip", row->ip);
        json_object_object_add(o, "ready", json_object_new_boolean(row->ready));
        json_object_object_add(o, "here", json_object_new_boolean(row->here));
        json_object_object_add(
                o, "agents", row->n_agents >= 0 ? json_object_new_int64(row->n_agents) : NULL);
        json_object_object_add(
                o, "capacity", row->capacity > 0 ? json_object_new_int64(row->capacity) : NULL);
        json_object_object_add(
                o, "draining", row->draining >= 0 ? json_object_new_boolean(row->draining) : NULL);
        object_add_text(o, "zone", row->zone);
        object_add_text(o, "node", row->node);
        return o;
}

int verb_hosts(Ctl *ctl, char **arguments)
{
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
        _cleanup_object_ struct json_object *array = NULL;
        const Options *o = ctl->options;
        Columns columns;
        int r;

        (void)arguments;

        r = columns_choose(o, host_columns, ELEMENTSOF(host_columns), &columns);
        if (r == EXIT_OK)
                r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = list_hosts(ctl, rows);
        if (r != EXIT_OK)
                return r;

        pager_open(o);
        if (o->json == JSON_OFF) {
                columns_print(&columns, rows, "host", o);
                return EXIT_OK;
        }
        array = json_object_new_array();
        for (guint i = 0; i < rows->len; i++)
                json_object_array_add(array, host_to_json(rows->pdata[i]));
        json_print(array, o->json);
        return EXIT_OK;
}

/* One after the other: the turns are in the order of the specs. */
static int place(Ctl *ctl, const RunSpec *spec, bool alone, struct json_object *results, Progress *progress)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autofree char *id = text_clean(spec->id, strlen(spec->id), false);
        const char *address;
        int r;

        r = ctl_call_manager(ctl, "SelectHost", CALL_NO_LIMIT, &reply, "s", spec->agent);
        progress_hide(progress);
        if (r != EXIT_OK)
                return r;
        r = sd_bus_message_read(reply, "s", &address);
        if (r < 0)
                return ctl_report_errno("The answer of SelectHost cannot be read", r);

        if (results) {
                struct json_object *o = json_object_new_object();

                object_add_text(o, "id", spec->id);
                object_add_text(o, "host", address);
                json_object_array_add(results, o);
        } else if (alone)
                puts(address);
        else
                printf("%s: %s\n", id, address);
        return EXIT_OK;
}

static int place_all(Ctl *ctl, const RunSpecs *specs, struct json_object *results)
{
        size_t n = specs->items->len;
        Progress progress;
        int r = EXIT_OK;

        progress_begin(&progress, "placing", 0, n);
        for (size_t i = 0; r == EXIT_OK && i < n; i++) {
                r = place(ctl, specs->items->pdata[i], n == 1, results, &progress);
                fflush(stdout);
                progress_step(&progress);
        }
        progress_hide(&progress);
        return r;
}

int verb_place(Ctl *ctl, char **arguments)
{
        _cleanup_object_ struct json_object *results = NULL;
        _cleanup_(run_specs_done) RunSpecs specs = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const Options *o = ctl->options;
        int r;

        r = run_specs_read_agents(o, arguments, &specs, &fault);
        if (r < 0) {
                log_error("%s", fault.kind == FAULT_NONE ? strerror(-r) : fault_text(&fault));
                return EXIT_USAGE;
        }
        r = ctl_connect_to_act(ctl);
        if (r != EXIT_OK)
                return r;
        if (o->json != JSON_OFF)
                results = json_object_new_array();
        r = place_all(ctl, &specs, results);
        /* Whose turns have been used is told in any case. */
        if (results)
                json_print(results, o->json);
        return r;
}
