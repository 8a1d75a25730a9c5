/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-decode.h"

#include <string.h>

#include "escape.h"

typedef struct JsonDecode {
        const char *what;
        const char *key;
        Fault *fault;
} JsonDecode;

static int refuse(const JsonDecode *d, const char *problem)
{
        return fault_set(d->fault, FAULT_INVALID_SPEC, "%s: $.%s: %s", d->what, d->key, problem);
}

static const char *type_name(const struct json_object *value)
{
        switch (json_object_get_type(value)) {
        case json_type_null:
                return "null";
        case json_type_boolean:
                return "a boolean";
        case json_type_double:
                return "a number with a fraction";
        case json_type_int:
                return "an integer";
        case json_type_object:
                return "an object";
        case json_type_array:
                return "an array";
        case json_type_string:
                return "a string";
        }

        return "something else";
}

static int refuse_type(const JsonDecode *d, const char *expected, const struct json_object *value)
{
        return fault_set(d->fault, FAULT_INVALID_SPEC, "%s: $.%s: expected %s, got %s", d->what, d->key,
                expected, type_name(value));
}

static int decode_text(const JsonDecode *d, struct json_object *value, char **field)
{
        const char *text;
        char *copy;

        if (!json_object_is_type(value, json_type_string))
                return refuse_type(d, "a string", value);

        text = json_object_get_string(value);
        if (strlen(text) != (size_t)json_object_get_string_len(value))
                return refuse(d, "must not contain a NUL");
        /* By an escape: all that is read here is told to others. */
        if (!utf8_is_sendable(text))
                return refuse(d, "must not contain what Unicode calls a noncharacter, such as U+FFFF");

        copy = strdup(text);
        if (!copy)
                return -ENOMEM;

        free(*field);
        *field = copy;
        return 0;
}

static int decode_uint64(const JsonDecode *d, struct json_object *value, uint64_t *field)
{
        if (!json_object_is_type(value, json_type_int))
                return refuse_type(d, "an integer", value);
        if (json_object_get_int64(value) < 0)
                return refuse(d, "must not be negative");

        *field = json_object_get_uint64(value);
        return 0;
}

static int decode_int64(const JsonDecode *d, struct json_object *value, int64_t *field)
{
        if (!json_object_is_type(value, json_type_int))
                return refuse_type(d, "an integer", value);
        /* Negative ones are 0 here. */
        if (json_object_get_uint64(value) > INT64_MAX)
                return refuse(d, "is too large");

        *field = json_object_get_int64(value);
        return 0;
}

static int decode_bool(const JsonDecode *d, struct json_object *value, bool *field)
{
        if (!json_object_is_type(value, json_type_boolean))
                return refuse_type(d, "a boolean", value);

        *field = json_object_get_boolean(value);
        return 0;
}

static int decode_value(const JsonDecode *d, JsonKind kind, struct json_object *value, void *field)
{
        switch (kind) {
        case JSON_TEXT:
                return decode_text(d, value, field);
        case JSON_UINT64:
                return decode_uint64(d, value, field);
        case JSON_INT64:
                return decode_int64(d, value, field);
        case JSON_BOOL:
                return decode_bool(d, value, field);
        }

        return -EINVAL;
}

int json_decode(const char *what,
        struct json_object *object,
        const JsonField *fields,
        size_t n_fields,
        void *target,
        Fault *fault)
{
        int r;

        if (!json_object_is_type(object, json_type_object))
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: $: expected an object, got %s", what,
                        type_name(object));

        for (size_t i = 0; i < n_fields; i++) {
                const JsonField *f = &fields[i];
                JsonDecode d = { .what = what, .key = f->key, .fault = fault };
                struct json_object *value = NULL;
                bool given = json_object_object_get_ex(object, f->key, &value);

                if (f->presence == JSON_OPTIONAL && !value)
                        continue;
                if (!given)
                        return refuse(&d, "missing");

                r = decode_value(&d, f->kind, value, (char *)target + f->offset);
                if (r < 0)
                        return r;
        }

        return 0;
}
