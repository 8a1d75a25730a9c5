/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of each of many agents, with --json=: an array of objects, each with "id" and "outcome", and
 * where that is "failed" with "error" and "message". Used by run, and by the verbs that act. */

#include "ctl.h"
#include "variant-json.h"

/* The new object, for more to be added: the array's. */
struct json_object *outcome_add(struct json_object *outcomes, const char *id, const char *outcome);

void outcome_add_failure(struct json_object *outcomes, const char *id, const sd_bus_error *error);
