/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-slice.h"

#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
        while (p < end && strchr(" \t\r\n", *p) && *p)
                p++;
        return p;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
        for (p++; p < end && *p != '"'; p++)
                if (*p == '\\')
                        p++;
        return p < end ? p + 1 : end;
}

/* From a value's begin to behind it. */
static const char *skip_value(const char *p, const char *end)
{
        unsigned depth = 0;

        do {
                if (p >= end)
                        return end;
                if (*p == '"') {
                        p = skip_string(p, end);
                        continue;
                }
                if (*p == '{' || *p == '[')
                        depth++;
                else if (*p == '}' || *p == ']')
                        depth--;
                else if (depth == 0)
                        return p + strcspn(p, ",]} \t\r\n");
                p++;
        } while (depth > 0);
        return p;
}

char json_slice_type(JsonSlice value)
{
        const char *p;

        if (!value.text)
                return 0;
        p = skip_space(value.text, value.text + value.size);
        return p < value.text + value.size ? *p : '\0';
}

/* An item, or a key and its value, from *p on; false at the closing bracket. */
static bool next_value(const char **p, const char *end, JsonSlice *ret)
{
        const char *begin = skip_space(*p, end);

        if (begin < end && *begin == ',')
                begin = skip_space(begin + 1, end);
        if (begin >= end || *begin == ']' || *begin == '}')
                return false;
        *p = skip_value(begin, end);
        *ret = (JsonSlice){ begin, (size_t)(*p - begin) };
        return true;
}

JsonSlice json_slice_member(JsonSlice object, const char *key)
{
        const char *end = object.text + object.size, *p;
        JsonSlice name, value;

        if (json_slice_type(object) != '{')
                return (JsonSlice){ 0 };

        p = skip_space(object.text, end) + 1;
        while (next_value(&p, end, &name)) {
                p = skip_space(p, end) + 1; /* the colon */
                if (!next_value(&p, end, &value))
                        break;
                if (name.size == strlen(key) + 2 && strncmp(name.text + 1, key, strlen(key)) == 0)
                        return value;
        }
        return (JsonSlice){ 0 };
}

bool json_slice_next(JsonSlice array, size_t *position, JsonSlice *ret)
{
        const char *end = array.text + array.size, *p;

        if (json_slice_type(array) != '[')
                return false;

        p = *position == 0 ? skip_space(array.text, end) + 1 : array.text + *position;
        if (!next_value(&p, end, ret))
                return false;
        *position = (size_t)(p - array.text);
        return true;
}
