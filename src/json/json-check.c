/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-check.h"

#include <assert.h>
#include <string.h>

#include "json-scan.h"

static void json_tokener_freep(struct json_tokener **t)
{
        if (*t)
                json_tokener_free(*t);
}

static bool is_blank(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (text[i] == '\0' || !strchr(" \t\r\n", text[i]))
                        return false;
        return true;
}

/* No JSON_TOKENER_STRICT: with it newer versions of json-c refuse integers beyond 64 bits, and one of them
 * texts that are not ASCII, which are good JSON. */
static int build(
        const char *what, const char *text, size_t size, int depth, struct json_object **ret, Fault *fault)
{
        /* One level more than the scan allows, so that its limit is the one that counts. */
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(depth + 1);
        _cleanup_json_ struct json_object *o = NULL;
        enum json_tokener_error error;
        size_t end;

        if (!tokener)
                return -ENOMEM;

        o = json_tokener_parse_ex(tokener, text, (int)size);
        end = json_tokener_get_parse_end(tokener);
        if (json_tokener_get_error(tokener) == json_tokener_continue)
                /* A number could go on. */
                o = json_tokener_parse_ex(tokener, "", 1);

        error = json_tokener_get_error(tokener);
        if (error != json_tokener_success)
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: %s", what, json_tokener_error_desc(error));
        if (end < size && !is_blank(text + end, size - end))
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: something stands behind its end", what);
        if (!o && text[strspn(text, " \t\r\n")] != 'n')
                return -ENOMEM;

        *ret = steal_ptr(o);
        return 0;
}

static int check_size(const char *what, size_t size, const JsonLimits *limits, Fault *fault)
{
        assert(limits->bytes <= INT32_MAX);
        assert(limits->depth > 0);

        if (size > limits->bytes)
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: %zu bytes, at most %zu are allowed", what,
                        size, limits->bytes);
        return 0;
}

int json_parse_strict(const char *what,
        const char *text,
        size_t size,
        const JsonLimits *limits,
        struct json_object **ret,
        Fault *fault)
{
        g_autoptr(GString) kept = limits->members ? g_string_new(NULL) : NULL;
        JsonKeep keep = { .members = limits->members, .text = kept };
        int r;

        r = check_size(what, size, limits, fault);
        if (r < 0)
                return r;

        r = json_scan(what, text, size, (unsigned)limits->depth, kept ? &keep : NULL, fault);
        if (r < 0)
                return r;

        return kept ? build(what, kept->str, kept->len, limits->depth, ret, fault)
                    : build(what, text, size, limits->depth, ret, fault);
}

int json_parse_bounded(const char *what,
        const char *text,
        size_t size,
        const JsonLimits *limits,
        struct json_object **ret,
        Fault *fault)
{
        int r = check_size(what, size, limits, fault);

        return r < 0 ? r : build(what, text, size, limits->depth, ret, fault);
}
