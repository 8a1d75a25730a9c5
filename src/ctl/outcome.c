/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outcome.h"

#include <glib.h>

struct json_object *outcome_add(struct json_object *outcomes, const char *id, const char *outcome)
{
        struct json_object *o = json_object_new_object();

        object_add_text(o, "id", id);
        object_add_text(o, "outcome", outcome);
        json_object_array_add(outcomes, o);
        return o;
}

void outcome_add_failure(struct json_object *outcomes, const char *id, const sd_bus_error *error)
{
        struct json_object *o = outcome_add(outcomes, id, "failed");
        g_autofree char *text = ctl_text_of(error);

        object_add_text(o, "error", error->name);
        object_add_text(o, "message", text);
}
