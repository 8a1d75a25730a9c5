/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "strv.h"
#include "wire-json.h"
#include "wire.h"

#define PROPERTIES_MAX 256u
#define PROPERTY_TEXT_MAX (64u * 1024)

static const JsonField create_fields[] = {
        { "agent_spec", JSON_TEXT, JSON_REQUIRED, offsetof(PeerCreate, agent_spec) },
        { "guild_spec", JSON_TEXT, JSON_REQUIRED, offsetof(PeerCreate, guild_spec) },
        { "messaging_config", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, messaging_config) },
        { "machine_id", JSON_INT64, JSON_OPTIONAL, offsetof(PeerCreate, machine_id) },
        { "client_type", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, client_type) },
        { "client_properties", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, client_properties) },
};

static const JsonField option_fields[] = {
        { "request_id", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, request_id) },
        { "runtime", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, runtime) },
        { "restart", JSON_TEXT, JSON_OPTIONAL, offsetof(PeerCreate, restart) },
        { "timeout", JSON_UINT64, JSON_OPTIONAL, offsetof(PeerCreate, timeout_usec) },
        { "takeover", JSON_BOOL, JSON_OPTIONAL, offsetof(PeerCreate, takeover) },
        { "reschedule", JSON_BOOL, JSON_OPTIONAL, offsetof(PeerCreate, reschedule) },
};

static const char *const option_others[] = { "wait", "environment", "unit_properties", NULL };
static const char *const create_others[] = { "options", NULL };

static int refuse(Fault *fault, const char *problem)
{
        return fault_set(fault, FAULT_INVALID_ARGS, "%s", problem);
}

static bool is_known(const char *key, const JsonField *fields, size_t n_fields, const char *const *others)
{
        for (size_t i = 0; i < n_fields; i++)
                if (strcmp(fields[i].key, key) == 0)
                        return true;
        return g_strv_contains(others, key);
}

static int check_members(const char *what,
        struct json_object *object,
        const JsonField *fields,
        size_t n_fields,
        const char *const *others,
        Fault *fault)
{
        json_object_object_foreach(object, key, value)
        {
                (void)value;
                if (!is_known(key, fields, n_fields, others))
                        return fault_set(fault, FAULT_INVALID_ARGS, "%s: $.%s: unknown", what, key);
        }
        return 0;
}

static int read_wait(struct json_object *options, PeerCreate *c, Fault *fault)
{
        struct json_object *value;
        const char *text;

        if (!json_object_object_get_ex(options, "wait", &value) || !value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return refuse(fault, "request options: $.wait: expected a string");
        text = json_object_get_string(value);
        if (strcmp(text, "launched") != 0 && strcmp(text, "ready") != 0)
                return refuse(fault, "request options: $.wait: must be 'launched' or 'ready'");

        c->wait_ready = strcmp(text, "ready") == 0;
        return 0;
}

/* A JSON string without NUL; else NULL. */
static const char *get_text(struct json_object *value)
{
        const char *text;

        if (!json_object_is_type(value, json_type_string))
                return NULL;
        text = json_object_get_string(value);
        return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static int read_environment(struct json_object *options, PeerCreate *c, Fault *fault)
{
        struct json_object *list;

        if (!json_object_object_get_ex(options, "environment", &list) || !list)
                return 0;
        if (!json_object_is_type(list, json_type_array))
                return refuse(fault, "request options: $.environment: expected an array");
        if (json_object_array_length(list) > PROPERTIES_MAX)
                return refuse(fault, "request options: $.environment: too many");

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                const char *text = get_text(json_object_array_get_idx(list, i));
                int r;

                if (!text)
                        return refuse(fault, "request options: $.environment: expected strings");
                r = strv_extend(&c->environment, text);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* {"name": "MemoryMax", "value": "uint64 1073741824"}: the value as GVariant writes it. */
static int read_property(struct json_object *property, GVariantBuilder *builder, Fault *fault)
{
        struct json_object *name = NULL, *value = NULL;
        g_autoptr(GVariant) variant = NULL;
        const char *name_text, *value_text;

        if (!json_object_is_type(property, json_type_object) || json_object_object_length(property) != 2)
                return refuse(
                        fault, "request options: $.unit_properties: expected objects of a name and a value");
        json_object_object_get_ex(property, "name", &name);
        json_object_object_get_ex(property, "value", &value);
        name_text = get_text(name);
        value_text = get_text(value);
        if (!name_text || !*name_text || !value_text || strlen(value_text) > PROPERTY_TEXT_MAX)
                return refuse(fault, "request options: $.unit_properties: name and value have to be texts");

        variant = g_variant_parse(NULL, value_text, NULL, NULL, NULL);
        if (!variant)
                return refuse(fault, "request options: $.unit_properties: a value is no GVariant text");
        g_variant_builder_add(builder, "(sv)", name_text, variant);
        return 0;
}

static int read_properties(struct json_object *options, PeerCreate *c, Fault *fault)
{
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sv)"));
        struct json_object *list;

        if (!json_object_object_get_ex(options, "unit_properties", &list) || !list)
                return 0;
        if (!json_object_is_type(list, json_type_array))
                return refuse(fault, "request options: $.unit_properties: expected an array");
        if (json_object_array_length(list) > PROPERTIES_MAX)
                return refuse(fault, "request options: $.unit_properties: too many");

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                int r = read_property(json_object_array_get_idx(list, i), &builder, fault);

                if (r < 0)
                        return r;
        }
        if (json_object_array_length(list) > 0)
                c->unit_properties = g_variant_ref_sink(g_variant_builder_end(&builder));
        return 0;
}

static int read_options(struct json_object *request, PeerCreate *c, Fault *fault)
{
        static const char what[] = "request options";
        struct json_object *options;
        int r;

        if (!json_object_object_get_ex(request, "options", &options) || !options)
                return 0;

        r = wire_json_decode(
                what, options, option_fields, ELEMENTSOF(option_fields), c, FAULT_INVALID_ARGS, fault);
        if (r >= 0)
                r = check_members(
                        what, options, option_fields, ELEMENTSOF(option_fields), option_others, fault);
        if (r >= 0)
                r = read_wait(options, c, fault);
        if (r >= 0)
                r = read_environment(options, c, fault);
        return r < 0 ? r : read_properties(options, c, fault);
}

static int fill_up(PeerCreate *c)
{
        if (!c->messaging_config)
                c->messaging_config = strdup("");
        if (!c->client_properties)
                c->client_properties = strdup("");
        return c->messaging_config && c->client_properties ? 0 : -ENOMEM;
}

int wire_read_create(const char *text, size_t size, PeerCreate *ret, Fault *fault)
{
        static const char what[] = "request";
        _cleanup_json_ struct json_object *request = NULL;
        _cleanup_peer_create_ PeerCreate c = { 0 };
        int r;

        r = wire_json_read(what, text, size, FAULT_INVALID_ARGS, &request, fault);
        if (r >= 0)
                r = wire_json_decode(what, request, create_fields, ELEMENTSOF(create_fields), &c,
                        FAULT_INVALID_ARGS, fault);
        if (r >= 0)
                r = check_members(
                        what, request, create_fields, ELEMENTSOF(create_fields), create_others, fault);
        if (r >= 0 && (c.machine_id < INT32_MIN || c.machine_id > INT32_MAX))
                r = refuse(fault, "request: $.machine_id: must have 32 bits");
        if (r >= 0)
                r = read_options(request, &c, fault);
        if (r >= 0)
                r = fill_up(&c);
        if (r < 0)
                return r;

        *ret = c;
        c = (PeerCreate){ 0 };
        return 0;
}

static void write_environment(struct json_object *options, char *const *environment)
{
        struct json_object *list = json_object_new_array();

        for (char *const *e = environment; *e; e++)
                json_object_array_add(list, json_object_new_string(*e));
        json_object_object_add(options, "environment", list);
}

static void write_properties(struct json_object *options, GVariant *properties)
{
        struct json_object *list = json_object_new_array();
        GVariantIter iter;
        const char *name;
        GVariant *value;

        g_variant_iter_init(&iter, properties);
        while (g_variant_iter_loop(&iter, "(&sv)", &name, &value)) {
                struct json_object *property = json_object_new_object();
                g_autofree char *text = g_variant_print(value, TRUE);

                wire_json_add_text(property, "name", name);
                wire_json_add_text(property, "value", text);
                json_object_array_add(list, property);
        }
        json_object_object_add(options, "unit_properties", list);
}

static struct json_object *make_options(const PeerCreate *c)
{
        struct json_object *options = json_object_new_object();

        if (c->wait_ready)
                wire_json_add_text(options, "wait", "ready");
        if (c->request_id)
                wire_json_add_text(options, "request_id", c->request_id);
        if (c->runtime)
                wire_json_add_text(options, "runtime", c->runtime);
        if (c->restart)
                wire_json_add_text(options, "restart", c->restart);
        if (c->timeout_usec > 0)
                wire_json_add_uint(options, "timeout", c->timeout_usec);
        if (c->environment)
                write_environment(options, c->environment);
        if (c->unit_properties)
                write_properties(options, c->unit_properties);
        if (c->takeover)
                wire_json_add_bool(options, "takeover", true);
        if (c->reschedule)
                wire_json_add_bool(options, "reschedule", true);
        return options;
}

GBytes *wire_write_create(const PeerCreate *c)
{
        struct json_object *request = json_object_new_object(), *options = make_options(c);

        wire_json_add_text(request, "agent_spec", c->agent_spec);
        wire_json_add_text(request, "guild_spec", c->guild_spec);
        if (c->messaging_config && *c->messaging_config)
                wire_json_add_text(request, "messaging_config", c->messaging_config);
        if (c->machine_id != 0)
                json_object_object_add(request, "machine_id", json_object_new_int64(c->machine_id));
        if (c->client_type)
                wire_json_add_text(request, "client_type", c->client_type);
        if (c->client_properties && *c->client_properties)
                wire_json_add_text(request, "client_properties", c->client_properties);
        if (json_object_object_length(options) > 0)
                json_object_object_add(request, "options", options);
        else
                json_object_put(options);
        return wire_json_to_bytes(request);
}
