/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON texts from strangers: held to the standard (one value, nothing behind it, valid UTF-8, bounded size
 * and depth, no key twice in one object: json-scan.h), then built by json-c. Used by agenthostd for what
 * callers send and for its own state files. */

#include <json-c/json.h>

#include "fault.h"

typedef struct JsonLimits {
        size_t bytes;
        int depth; /* objects and arrays inside one another */

        /* NULL: all is built. Else of the outermost object only these members, and what is in objects and
         * arrays is left out: the whole tree of a large text can take hundreds of times its size in memory.
         * All of the text is checked either way. NULL-terminated. */
        const char *const *members;
} JsonLimits;

/* what names the text in messages ("agent_spec"). Faults are InvalidSpec: "WHAT: line L column C: ..." for
 * syntax, "WHAT: $.agents[2].id: duplicate key" for keys given twice. *ret is NULL for the JSON value null,
 * as json-c has it. Integers beyond 64 bits come as the nearest that fits. */
int json_parse_strict(const char *what,
        const char *text,
        size_t size,
        const JsonLimits *limits,
        struct json_object **ret,
        Fault *fault);

/* The same without the scan, in a third of the time, for what comes from a server that we have chosen and
 * that is known by its certificate: size and depth are bounded, and nothing stands behind its end; all else
 * is as lenient as json-c is. Of keys given twice the last counts, texts may not be UTF-8. limits->members
 * is not used. */
int json_parse_bounded(const char *what,
        const char *text,
        size_t size,
        const JsonLimits *limits,
        struct json_object **ret,
        Fault *fault);

static inline void json_object_putp(struct json_object **o)
{
        if (*o)
                json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(json_object_putp)
