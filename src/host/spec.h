/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the four JSON texts of an agent must say. The texts themselves are passed on as they came; decoded is
 * only what agenthostd needs. Errors are InvalidSpec and name text and place: "agent_spec: $.id: missing",
 * "guild_spec: line 3 column 7: ...". Used by host.c before anything else happens to a CreateAgent. */

#include "fault.h"

#define SPEC_TEXT_MAX (4u * 1024 * 1024)
#define SPEC_DEPTH_MAX 64

typedef struct AgentSpec {
        char *id;
        char *name;
        char *class_name; /* "" when not given */
} AgentSpec;

/* Required: id (id_is_valid), name (a non-empty text without NUL). class_name, if given, must be a text. */
int agent_spec_parse(const char *text, AgentSpec *ret, Fault *fault);
void agent_spec_done(AgentSpec *spec);

/* Required: id (id_is_valid). Nothing else is looked at but the JSON itself. */
int guild_spec_parse(const char *text, char **ret_guild_id, Fault *fault);

/* Any JSON object; "" is allowed and means {}. name is for messages ("messaging_config"). */
int object_text_check(const char *name, const char *text, Fault *fault);
