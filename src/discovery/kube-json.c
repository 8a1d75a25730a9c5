/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-json.h"

#include <string.h>

static const char *describe(struct json_object *o)
{
        static const char *const names[] = {
                [json_type_null] = "null",
                [json_type_boolean] = "a boolean",
                [json_type_double] = "a number",
                [json_type_int] = "an integer",
                [json_type_object] = "an object",
                [json_type_array] = "an array",
                [json_type_string] = "a string",
        };

        return names[json_object_get_type(o)];
}

static int refuse(const char *key, const char *expected, struct json_object *got, Fault *fault)
{
        return fault_set(
                fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: expected %s, got %s", key, expected, describe(got));
}

static int get(struct json_object *o,
        const char *key,
        enum json_type type,
        const char *expected,
        struct json_object **ret,
        Fault *fault)
{
        struct json_object *value = NULL;

        if (!o || !json_object_object_get_ex(o, key, &value) || !value) {
                *ret = NULL;
                return 0;
        }
        if (!json_object_is_type(value, type))
                return refuse(key, expected, value, fault);

        *ret = value;
        return 0;
}

int kube_get_object(struct json_object *o, const char *key, struct json_object **ret, Fault *fault)
{
        return get(o, key, json_type_object, "an object", ret, fault);
}

int kube_get_array(struct json_object *o, const char *key, struct json_object **ret, Fault *fault)
{
        return get(o, key, json_type_array, "an array", ret, fault);
}

/* Others read it whole: a part of it must not pass for it. */
static int as_text(const char *key, struct json_object *value, const char **ret, Fault *fault)
{
        const char *text = json_object_get_string(value);

        if (strlen(text) != (size_t)json_object_get_string_len(value))
                return fault_set(
                        fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: the text has a NUL character in it", key);
        *ret = text;
        return 0;
}

int kube_get_text(struct json_object *o, const char *key, const char **ret, Fault *fault)
{
        struct json_object *value = NULL;
        int r;

        r = get(o, key, json_type_string, "a string", &value, fault);
        if (r < 0)
                return r;
        if (!value) {
                *ret = NULL;
                return 0;
        }
        return as_text(key, value, ret, fault);
}

int kube_get_bool(struct json_object *o, const char *key, bool missing, bool *ret, Fault *fault)
{
        struct json_object *value = NULL;
        int r;

        r = get(o, key, json_type_boolean, "a boolean", &value, fault);
        if (r < 0)
                return r;
        *ret = value ? json_object_get_boolean(value) : missing;
        return 0;
}

int kube_get_item(struct json_object *array, size_t i, struct json_object **ret, Fault *fault)
{
        struct json_object *value = json_object_array_get_idx(array, i);

        if (!json_object_is_type(value, json_type_object))
                return refuse("an array's item", "an object", value, fault);
        *ret = value;
        return 0;
}

int kube_first_text(struct json_object *array, const char **ret, Fault *fault)
{
        struct json_object *value;

        if (!array || json_object_array_length(array) == 0) {
                *ret = NULL;
                return 0;
        }
        value = json_object_array_get_idx(array, 0);
        if (!json_object_is_type(value, json_type_string))
                return refuse("an array's item", "a string", value, fault);
        return as_text("an array's item", value, ret, fault);
}
