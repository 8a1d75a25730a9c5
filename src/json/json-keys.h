/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys of the JSON objects that a scan is inside of, to find one given twice. They are sorted, not
 * hashed: whoever writes a text cannot make that slow. Used by json-scan.c only. */

#include <glib.h>

#include "macros.h"

typedef struct JsonKey {
        const char *text; /* what the key means: the source itself, or an owned text where escapes were
                             decoded */
        size_t size;
        const char *source; /* between the quotes, in the text that is scanned */
        size_t source_size;
} JsonKey;

/* One list for all open objects: an inner object's keys stand behind those of the outer one, from the mark
 * that was taken when it began. */
typedef struct JsonKeys {
        GArray *keys;
} JsonKeys;

JsonKeys json_keys_new(void);
void json_keys_done(JsonKeys *l);

size_t json_keys_mark(const JsonKeys *l);

/* source is a valid JSON string without its quotes, it must outlive the list. -EINVAL for a key with a NUL
 * in it, which is refused because C programs would read another key; it is in the list all the same. */
int json_keys_add(JsonKeys *l, const char *source, size_t source_size, bool has_escapes);

/* Sorts the keys from mark on. Returns the first that repeats another one, or NULL. */
const JsonKey *json_keys_find_duplicate(JsonKeys *l, size_t mark);

/* The last key that was added; valid until the list changes. */
const JsonKey *json_keys_last(const JsonKeys *l);

/* Forgets the keys from mark on. */
void json_keys_cut(JsonKeys *l, size_t mark);
