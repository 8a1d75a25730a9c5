/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Goes once over a JSON text and holds it to RFC 8259, without building anything. json-c, strict as it can
 * be, lets pass, depending on its version: NaN, keys in single quotes, control characters in texts, numbers
 * like -01 and "1.", overlong UTF-8, halves of surrogate pairs; of keys given twice it keeps the last, and
 * it ends keys at a NUL, so that another reader would see another text. Behind this scan json-c can do no
 * harm. Used by json-check.c. */

#include <glib.h>

#include "fault.h"

/* What the tree that is built afterwards needs: the kept members of the outermost object, as JSON text.
 * Objects and arrays in it come empty. */
typedef struct JsonKeep {
        const char *const *members; /* NULL-terminated */
        GString *text;
} JsonKeep;

/* keep may be NULL. Faults: InvalidSpec, as json_parse_strict() says. */
int json_scan(const char *what, const char *text, size_t size, unsigned depth, JsonKeep *keep, Fault *fault);
