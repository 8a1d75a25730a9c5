/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An agent as it is written down: its fields as a JSON object, and back. store.c keeps the files.
 *
 * Fields that this version does not know are kept and written again. One that is missing says what its
 * type's nought says: files of older versions have less in them. A newer version that changes what a field
 * says, or that has another state, says so by its format. */

#include <json-c/json.h>

#include "agent.h"
#include "fault.h"
#include "guild-text.h"

/* Never NULL. */
struct json_object *state_record_write(const Agent *agent);

/* Whether a version has written it that may mean something else by what it says. */
bool state_record_is_newer(struct json_object *record);

/* The format as it stands there, for a text; "" where there is none. */
const char *state_record_format(struct json_object *record);

/* The digest of its guild's text; NULL: none that this version would find. */
const char *state_record_guild(struct json_object *record);

/* A new agent of the host, not in its tables yet. Nothing of the file is believed: whatever is wrong is a
 * fault. An unknown state of a newer version is an end where the agent has ended for good; else the launcher
 * will tell what has become of it, and until then it runs. */
int state_record_read(struct json_object *record, Host *host, GuildTexts *guilds, Agent **ret, Fault *fault);
