/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-properties.h"

#include <string.h>

#define PROPERTIES_MAX 64u
#define PROPERTIES_TYPE "a(sv)"

/* What properties of units consist of, in arrays and structures. How deep these may be is limited by D-Bus.
 */
#define BASIC_TYPES "sybqnuixt"

static int read_value(sd_bus_message *m, GVariant **ret);

static GVariant *basic_variant(char type, const void *value)
{
        switch (type) {
        case 's':
                return g_variant_new_string(*(const char *const *)value);
        case 'y':
                return g_variant_new_byte(*(const uint8_t *)value);
        case 'b':
                return g_variant_new_boolean(*(const int *)value);
        case 'q':
                return g_variant_new_uint16(*(const uint16_t *)value);
        case 'n':
                return g_variant_new_int16(*(const int16_t *)value);
        case 'u':
                return g_variant_new_uint32(*(const uint32_t *)value);
        case 'i':
                return g_variant_new_int32(*(const int32_t *)value);
        case 'x':
                return g_variant_new_int64(*(const int64_t *)value);
        default:
                return g_variant_new_uint64(*(const uint64_t *)value);
        }
}

static int read_basic(sd_bus_message *m, char type, GVariant **ret)
{
        union {
                const char *s;
                uint64_t t;
        } value = { 0 };
        int r;

        r = sd_bus_message_read_basic(m, type, &value);
        if (r < 0)
                return r;

        *ret = basic_variant(type, &value);
        return 1;
}

/* contents: the type of what is in it. */
static int read_container(sd_bus_message *m, char type, const char *contents, GVariant **ret)
{
        g_autofree char *signature = g_strdup_printf(type == 'a' ? "a%s" : "(%s)", contents);
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT((const GVariantType *)signature);
        GVariant *value;
        int r;

        r = sd_bus_message_enter_container(m, type, contents);
        while (r >= 0 && (r = read_value(m, &value)) > 0)
                g_variant_builder_add_value(&builder, value);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = g_variant_builder_end(&builder);
        return 1;
}

/* Structures on D-Bus have members. */
static bool is_type_of_properties(const char *type)
{
        return strspn(type, BASIC_TYPES "a()") == strlen(type) && !strstr(type, "()");
}

/* The next value, floating, of a type that properties have. 0 behind the last. */
static int read_value(sd_bus_message *m, GVariant **ret)
{
        g_autofree char *copy = NULL;
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r;
        if (strchr(BASIC_TYPES, type))
                return read_basic(m, type, ret);

        /* Entering changes what it points to. */
        copy = g_strdup(contents);
        return read_container(m, type, copy, ret);
}

static int refuse_type(const char *name, const char *type, Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS,
                "unit_properties: %s is of type '%s', which no property of a unit has", name, type);
}

static int refuse_number(Fault *fault)
{
        return fault_set(
                fault, FAULT_INVALID_ARGS, "unit_properties: more than %u properties", PROPERTIES_MAX);
}

/* The message is inside "(sv)". */
static int read_property(sd_bus_message *m, GVariantBuilder *builder, Fault *fault)
{
        const char *name, *contents;
        GVariant *value;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        /* By the type, not by what there is of it: an array may be empty. */
        if (!is_type_of_properties(contents))
                return refuse_type(name, contents, fault);
        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r >= 0)
                r = read_value(m, &value);
        if (r < 0)
                return r;

        g_variant_builder_add(builder, "(sv)", name, value);
        return sd_bus_message_exit_container(m);
}

int unit_properties_read(sd_bus_message *m, GVariant **ret, Fault *fault)
{
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(PROPERTIES_TYPE));
        unsigned n = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(sv)");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sv")) > 0) {
                if (++n > PROPERTIES_MAX)
                        return refuse_number(fault);
                r = read_property(m, &builder, fault);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = n > 0 ? g_variant_ref_sink(g_variant_builder_end(&builder)) : NULL;
        return 0;
}

int unit_properties_check(GVariant *properties, Fault *fault)
{
        g_autoptr(GVariant) value = NULL;
        GVariantIter i;
        const char *name;

        if (!properties)
                return 0;
        if (g_variant_n_children(properties) > PROPERTIES_MAX)
                return refuse_number(fault);

        g_variant_iter_init(&i, properties);
        while (g_variant_iter_loop(&i, "(&sv)", &name, &value))
                if (!is_type_of_properties(g_variant_get_type_string(value)))
                        return refuse_type(name, g_variant_get_type_string(value), fault);
        return 0;
}

static int append_value(sd_bus_message *m, GVariant *value);

static int append_children(sd_bus_message *m, char type, const char *contents, GVariant *value)
{
        GVariantIter i;
        GVariant *child;
        int r;

        r = sd_bus_message_open_container(m, type, contents);
        g_variant_iter_init(&i, value);
        while (r >= 0 && (child = g_variant_iter_next_value(&i))) {
                r = append_value(m, child);
                g_variant_unref(child);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, GVariant *value)
{
        const char *type = g_variant_get_type_string(value);

        switch (type[0]) {
        case 's':
                return sd_bus_message_append(m, "s", g_variant_get_string(value, NULL));
        case 'b':
                return sd_bus_message_append(m, "b", (int)g_variant_get_boolean(value));
        case 'v': {
                g_autoptr(GVariant) inner = g_variant_get_variant(value);

                return append_children(m, 'v', g_variant_get_type_string(inner), value);
        }
        case 'a':
                return append_children(m, 'a', type + 1, value);
        case '(': {
                g_autofree char *contents = g_strndup(type + 1, strlen(type) - 2);

                return append_children(m, 'r', contents, value);
        }
        default:
                /* A number: as it is in memory. */
                return sd_bus_message_append_basic(m, type[0], g_variant_get_data(value));
        }
}

int unit_properties_append(sd_bus_message *m, GVariant *properties)
{
        if (!properties)
                return sd_bus_message_append(m, PROPERTIES_TYPE, 0);
        return append_value(m, properties);
}

char *unit_properties_to_text(GVariant *properties)
{
        return g_variant_print(properties, true);
}

GVariant *unit_properties_from_text(const char *text)
{
        return g_variant_parse(G_VARIANT_TYPE(PROPERTIES_TYPE), text, NULL, NULL, NULL);
}
