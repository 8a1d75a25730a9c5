/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What agentctl takes apart or shows: slices of a JSON text are what json-c finds there, and a cleaned text
 * is one that no terminal obeys. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "json-check.h"
#include "json-slice.h"
#include "text.h"

#define DEPTH 64

static struct json_object *parse(const char *text, size_t size)
{
        const JsonLimits limits = { .bytes = INT32_MAX, .depth = DEPTH };
        struct json_object *o = NULL;

        return json_parse_strict("text", text, size, &limits, &o, NULL) < 0 ? NULL : o;
}

static void expect_same(struct json_object *expected, JsonSlice slice)
{
        _cleanup_json_ struct json_object *got = parse(slice.text, slice.size);

        fuzz_expect(strcmp(json_object_to_json_string(expected), json_object_to_json_string(got)) == 0,
                "a slice is the value that json-c has there");
}

/* A key may be written with escapes: it is not found then. */
static void check_object(struct json_object *object, JsonSlice slice)
{
        json_object_object_foreach(object, key, value)
        {
                JsonSlice member = strchr(key, '\\') ? (JsonSlice){ 0 } : json_slice_member(slice, key);

                if (member.text)
                        expect_same(value, member);
        }
}

static void check_array(struct json_object *array, JsonSlice slice)
{
        size_t n = json_object_array_length(array), i = 0, position = 0;
        JsonSlice item;

        for (; json_slice_next(slice, &position, &item); i++) {
                fuzz_expect(i < n, "an array has no more slices than items");
                expect_same(json_object_array_get_idx(array, i), item);
        }
        fuzz_expect(i == n, "an array has a slice for each item");
}

static void check_slices(const char *text, size_t size)
{
        _cleanup_json_ struct json_object *o = parse(text, size);
        JsonSlice slice = { text, size };

        if (json_object_is_type(o, json_type_object))
                check_object(o, slice);
        else if (json_object_is_type(o, json_type_array))
                check_array(o, slice);
}

static void check_clean(const char *text, size_t size)
{
        g_autofree char *clean = text_clean(text, size, false), *fitted = text_fit(clean, 10);

        fuzz_expect(g_utf8_validate(clean, -1, NULL), "a cleaned text is UTF-8");
        for (const char *p = clean; *p; p = g_utf8_next_char(p))
                fuzz_expect(
                        !g_unichar_iscntrl(g_utf8_get_char(p)), "a cleaned text has no control characters");
        fuzz_expect(text_width(fitted) <= 10, "a text that was made to fit does");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = fuzz_text(data, size);

        check_slices(text, strlen(text));
        check_clean((const char *)data, size);
        return 0;
}
