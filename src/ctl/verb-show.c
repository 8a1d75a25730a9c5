/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show, cat */

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "json-check.h"
#include "log.h"
#include "pager.h"
#include "proto/names.h"
#include "strv.h"
#include "text.h"
#include "variant-json.h"
#include "verbs.h"

/* As agenthostd takes specs. */
#define SPEC_DEPTH_MAX 64

static char *text_of_items(struct json_object *array)
{
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < json_object_array_length(array); i++)
                g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                        json_object_get_string(json_object_array_get_idx(array, i)));
        return g_string_free(text, false);
}

static char *text_of_number(const char *name, struct json_object *value)
{
        uint64_t number = json_object_get_uint64(value);

        if (number == UINT64_MAX)
                return g_strdup("[not set]");
        if (g_str_has_suffix(name, "At"))
                return number > 0 ? text_of_time(number) : g_strdup("");
        return g_strdup(json_object_get_string(value));
}

/* As systemctl show writes it. */
static char *text_of_property(const char *name, struct json_object *value)
{
        g_autofree char *items = NULL;
        const char *text;

        switch (json_object_get_type(value)) {
        case json_type_boolean:
                return g_strdup(json_object_get_boolean(value) ? "yes" : "no");
        case json_type_int:
                return text_of_number(name, value);
        case json_type_array:
                items = text_of_items(value);
                text = items;
                break;
        default:
                text = json_object_get_string(value);
                break;
        }
        return text_clean(text ? text : "", text ? strlen(text) : 0, false);
}

static bool is_wanted(const Options *o, const char *name)
{
        return !o->properties || strv_contains(o->properties, name);
}

static void print_text(const Options *o, struct json_object *properties)
{
        json_object_object_foreach(properties, name, value)
        {
                g_autofree char *text = is_wanted(o, name) ? text_of_property(name, value) : NULL;

                if (!text)
                        continue;
                if (o->value)
                        puts(text);
                else
                        printf("%s=%s\n", name, text);
        }
}

static struct json_object *keep_wanted(const Options *o, struct json_object *properties)
{
        struct json_object *kept = json_object_new_object();

        json_object_object_foreach(properties, name, value)
        {
                if (is_wanted(o, name))
                        json_object_object_add(kept, name, json_object_get(value));
        }
        return kept;
}

/* id NULL: the host. */
static int get_properties(Ctl *ctl, const char *id, struct json_object **ret)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = id ? ctl_agent_path(id) : NULL;
        int r;

        r = properties_get(ctl->bus, BUS_NAME, path ? path : HOST_PATH,
                path ? AGENT_INTERFACE : MANAGER_INTERFACE, ret, &error);
        if (r >= 0)
                return EXIT_OK;
        if (id && ctl_code_of(&error) == EXIT_NO_AGENT) {
                log_error("%s: there is no such agent ('agentctl list' shows those that there are)", id);
                return EXIT_NO_AGENT;
        }
        return ctl_report(id, &error);
}

static int show_host(Ctl *ctl)
{
        _cleanup_object_ struct json_object *properties = NULL, *kept = NULL;
        const Options *o = ctl->options;
        int r = get_properties(ctl, NULL, &properties);

        if (r != EXIT_OK)
                return r;
        pager_open(o);
        if (o->json == JSON_OFF) {
                print_text(o, properties);
                return EXIT_OK;
        }
        kept = keep_wanted(o, properties);
        json_print(kept, o->json);
        return EXIT_OK;
}

static int show_agents(Ctl *ctl, char **ids)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();
        const Options *o = ctl->options;
        int code = EXIT_OK;

        pager_open(o);
        for (char **id = ids; *id; id++) {
                _cleanup_object_ struct json_object *properties = NULL;
                int r = get_properties(ctl, *id, &properties);

                code = exit_code_merge(code, r);
                if (r != EXIT_OK)
                        continue;
                if (o->json != JSON_OFF)
                        json_object_array_add(array, keep_wanted(o, properties));
                else {
                        /* As systemctl parts them. */
                        if (id > ids)
                                putchar('\n');
                        print_text(o, properties);
                }
        }
        if (o->json != JSON_OFF)
                json_print(array, o->json);
        return code;
}

int verb_show(Ctl *ctl, char **arguments)
{
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = agents_meant(ctl, arguments, true, &ids);
        if (r != EXIT_OK)
                return r;
        return ids ? show_agents(ctl, ids) : show_host(ctl);
}

static int get_spec(Ctl *ctl, const char *id, sd_bus_message **ret, const char **ret_spec)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                ctl->bus, &call, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "GetAgentSpec");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", id);
        if (r >= 0)
                r = sd_bus_call(ctl->bus, call, CALL_NO_LIMIT, &error, ret);
        if (r < 0)
                return ctl_report(id, &error);
        r = sd_bus_message_read(*ret, "s", ret_spec);
        return r < 0 ? ctl_report_errno("The answer of GetAgentSpec cannot be read", r) : EXIT_OK;
}

/* array NULL: the text as it is. */
static int print_spec(Ctl *ctl, const char *id, struct json_object *array)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        struct json_object *o;
        const char *spec;
        JsonLimits limits;
        int r;

        r = get_spec(ctl, id, &reply, &spec);
        if (r != EXIT_OK)
                return r;
        if (!array) {
                puts(spec);
                return EXIT_OK;
        }
        limits = (JsonLimits){ .bytes = strlen(spec), .depth = SPEC_DEPTH_MAX };
        r = json_parse_bounded(id, spec, strlen(spec), &limits, &o, &fault);
        if (r < 0) {
                log_error("%s", fault.kind == FAULT_NONE ? strerror(-r) : fault_text(&fault));
                return EXIT_FAILED;
        }
        json_object_array_add(array, o);
        return EXIT_OK;
}

int verb_cat(Ctl *ctl, char **arguments)
{
        _cleanup_object_ struct json_object *array = NULL;
        int code = EXIT_OK, r;

        r = ctl_connect_to_act(ctl);
        if (r != EXIT_OK)
                return r;
        if (ctl->options->json != JSON_OFF)
                array = json_object_new_array();
        for (char **id = arguments; *id; id++)
                code = exit_code_merge(code, print_spec(ctl, *id, array));
        if (array)
                json_print(array, ctl->options->json);
        return code;
}
