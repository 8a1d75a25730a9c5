/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the readers and writers of wire.h share. */

#include <glib.h>

#include "json-check.h"
#include "json-decode.h"

/* Takes the object over. */
GBytes *wire_json_to_bytes(struct json_object *object);

void wire_json_add_text(struct json_object *object, const char *key, const char *text);
void wire_json_add_uint(struct json_object *object, const char *key, uint64_t value);
void wire_json_add_bool(struct json_object *object, const char *key, bool value);

/* An object, read strictly. Faults are of kind, whatever was wrong: "WHAT: $.key: ...". */
int wire_json_read(const char *what,
        const char *text,
        size_t size,
        FaultKind kind,
        struct json_object **ret,
        Fault *fault);

/* json_decode() with faults of this kind. */
int wire_json_decode(const char *what,
        struct json_object *object,
        const JsonField *fields,
        size_t n_fields,
        void *target,
        FaultKind kind,
        Fault *fault);
