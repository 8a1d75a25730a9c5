/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire-json.h"

#include "wire.h"

static void put(void *object)
{
        json_object_put(object);
}

GBytes *wire_json_to_bytes(struct json_object *object)
{
        size_t size;
        const char *text = json_object_to_json_string_length(
                object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

        return g_bytes_new_with_free_func(text, size, put, object);
}

void wire_json_add_text(struct json_object *object, const char *key, const char *text)
{
        json_object_object_add(object, key, json_object_new_string(text));
}

void wire_json_add_uint(struct json_object *object, const char *key, uint64_t value)
{
        json_object_object_add(object, key, json_object_new_uint64(value));
}

void wire_json_add_bool(struct json_object *object, const char *key, bool value)
{
        json_object_object_add(object, key, json_object_new_boolean(value));
}

/* The JSON folder's faults are about specs. */
static int hand_on(Fault *of_json, int r, FaultKind kind, Fault *fault)
{
        if (r >= 0 || of_json->kind == FAULT_NONE)
                return r;
        return fault_set(fault, kind, "%s", fault_text(of_json));
}

int wire_json_read(const char *what,
        const char *text,
        size_t size,
        FaultKind kind,
        struct json_object **ret,
        Fault *fault)
{
        const JsonLimits limits = { .bytes = WIRE_ANSWER_MAX, .depth = WIRE_DEPTH_MAX };
        _cleanup_fault_ Fault of_json = FAULT_INIT;
        int r = json_parse_strict(what, text, size, &limits, ret, &of_json);

        return hand_on(&of_json, r, kind, fault);
}

int wire_json_decode(const char *what,
        struct json_object *object,
        const JsonField *fields,
        size_t n_fields,
        void *target,
        FaultKind kind,
        Fault *fault)
{
        _cleanup_fault_ Fault of_json = FAULT_INIT;
        int r = json_decode(what, object, fields, n_fields, target, &of_json);

        return hand_on(&of_json, r, kind, fault);
}
