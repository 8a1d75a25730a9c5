/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values from D-Bus as JSON, and JSON on standard output. Numbers, texts and booleans come as what they are,
 * dictionaries with texts as keys as objects, arrays and structures as arrays. */

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "options.h"

static inline void json_object_freep(struct json_object **o)
{
        if (*o)
                json_object_put(*o);
}
#define _cleanup_object_ _cleanup_(json_object_freep)

/* The next value of a message. */
int message_read_json(sd_bus_message *m, struct json_object **ret);

/* All properties of an interface: GetAll. The error is for ctl_report(). */
int properties_get(sd_bus *bus,
        const char *destination,
        const char *path,
        const char *interface,
        struct json_object **ret,
        sd_bus_error *error);

/* Members of an object; "", UINT64_MAX, -1, false for what is not there or of another type. Texts are
 * borrowed. */
const char *object_text(struct json_object *o, const char *key);
uint64_t object_number(struct json_object *o, const char *key);
int64_t object_signed(struct json_object *o, const char *key);
bool object_bool(struct json_object *o, const char *key);

void object_add_text(struct json_object *o, const char *key, const char *text);

/* One line, or many that are easy to read. */
void json_print(struct json_object *o, JsonMode mode);
