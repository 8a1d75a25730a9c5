/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parts of a JSON text, as they stand there: an agent gets its spec to the letter, not what a parser would
 * make of it (numbers beyond 64 bits, say). The text must be valid: json_parse_strict() has seen it. Used by
 * run-spec.c. */

#include "macros.h"

typedef struct JsonSlice {
        const char *text; /* borrowed; NULL: nothing */
        size_t size;
} JsonSlice;

/* The value behind a key of an object. A key that is written with escapes is not found. */
JsonSlice json_slice_member(JsonSlice object, const char *key);

/* The items of an array, one after the other: *position is 0 at first. False at the end, and where it is no
 * array. */
bool json_slice_next(JsonSlice array, size_t *position, JsonSlice *ret);

/* '{', '[', '"' ...; 0 for nothing. */
char json_slice_type(JsonSlice value);
