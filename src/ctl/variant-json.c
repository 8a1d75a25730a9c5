/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "variant-json.h"

#include <string.h>

static int read_basic(sd_bus_message *m, char type, struct json_object **ret)
{
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;

        switch (type) {
        case 'y':
                *ret = json_object_new_int(v.y);
                break;
        case 'b':
                *ret = json_object_new_boolean(v.b);
                break;
        case 'n':
                *ret = json_object_new_int(v.n);
                break;
        case 'q':
                *ret = json_object_new_int(v.q);
                break;
        case 'i':
                *ret = json_object_new_int(v.i);
                break;
        case 'u':
                *ret = json_object_new_int64(v.u);
                break;
        case 'x':
                *ret = json_object_new_int64(v.x);
                break;
        case 't':
                *ret = json_object_new_uint64(v.t);
                break;
        case 'd':
                *ret = json_object_new_double(v.d);
                break;
        case 's':
        case 'o':
        case 'g':
                *ret = json_object_new_string(v.s);
                break;
        default:
                return -EOPNOTSUPP;
        }
        return *ret ? 0 : -ENOMEM;
}

/* Inside of an array of dictionary entries. */
static int read_entries(sd_bus_message *m, const char *contents, struct json_object **ret)
{
        _cleanup_object_ struct json_object *object = json_object_new_object();
        size_t n = strlen(contents);
        char entry[256];
        int r;

        if (n < 4 || n >= sizeof(entry))
                return -EOPNOTSUPP;
        /* Without the braces. */
        memcpy(entry, contents + 1, n - 2);
        entry[n - 2] = '\0';

        while ((r = sd_bus_message_enter_container(m, 'e', entry)) > 0) {
                struct json_object *value = NULL;
                const char *key;

                r = sd_bus_message_read_basic(m, entry[0], &key);
                if (r >= 0)
                        r = message_read_json(m, &value);
                if (r < 0)
                        return r;
                json_object_object_add(object, key, value);
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret = steal_ptr(object);
        return 0;
}

static int read_items(sd_bus_message *m, struct json_object **ret)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();
        int r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                struct json_object *value = NULL;

                r = message_read_json(m, &value);
                if (r < 0)
                        return r;
                json_object_array_add(array, value);
        }
        if (r < 0)
                return r;
        *ret = steal_ptr(array);
        return 0;
}

int message_read_json(sd_bus_message *m, struct json_object **ret)
{
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENODATA;
        if (!strchr("avr", type))
                return read_basic(m, type, ret);

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;
        if (type == 'v')
                r = message_read_json(m, ret);
        else if (type == 'a' && contents[0] == '{' && strchr("sog", contents[1]))
                r = read_entries(m, contents, ret);
        else
                r = read_items(m, ret);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int properties_get(sd_bus *bus,
        const char *destination,
        const char *path,
        const char *interface,
        struct json_object **ret,
        sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(bus, destination, path, "org.freedesktop.DBus.Properties", "GetAll", error,
                &reply, "s", interface);
        if (r >= 0)
                r = message_read_json(reply, ret);
        if (r < 0 && !sd_bus_error_is_set(error))
                sd_bus_error_set_errno(error, r);
        return r;
}

const char *object_text(struct json_object *o, const char *key)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_string))
                return "";
        return json_object_get_string(value);
}

uint64_t object_number(struct json_object *o, const char *key)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_int))
                return UINT64_MAX;
        return json_object_get_uint64(value);
}

int64_t object_signed(struct json_object *o, const char *key)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_int))
                return -1;
        return json_object_get_int64(value);
}

bool object_bool(struct json_object *o, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(o, key, &value) && json_object_get_boolean(value);
}

void object_add_text(struct json_object *o, const char *key, const char *text)
{
        json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

void json_print(struct json_object *o, JsonMode mode)
{
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
                (mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                     : JSON_C_TO_STRING_PLAIN);

        puts(json_object_to_json_string_ext(o, flags));
        fflush(stdout);
}
