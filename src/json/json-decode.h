/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Table-driven decoding of a JSON object into a struct, once, at the edge. Unknown keys are left alone: the
 * text is passed on as it came. */

#include <json-c/json.h>

#include "fault.h"

typedef enum JsonKind {
        JSON_TEXT, /* char *, without NUL inside; the field is owned by the struct */
        JSON_UINT64, /* uint64_t */
        JSON_INT64, /* int64_t */
        JSON_BOOL, /* bool */
} JsonKind;

typedef enum JsonPresence {
        JSON_OPTIONAL, /* missing or null leaves the field as it is */
        JSON_REQUIRED,
} JsonPresence;

typedef struct JsonField {
        const char *key;
        JsonKind kind;
        JsonPresence presence;
        size_t offset;
} JsonField;

/* Fault: InvalidSpec "WHAT: $.key: missing" or "... expected a string, got an integer". On error texts
 * decoded so far stay in the struct, for its own release function. A text that is in a field already is
 * freed. */
int json_decode(const char *what,
        struct json_object *object,
        const JsonField *fields,
        size_t n_fields,
        void *target,
        Fault *fault);
