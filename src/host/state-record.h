/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An agent as it is written down: its fields as a JSON object, and back. store.c keeps the files.
 *
 * Fields that this version does not know are kept and written again. One that is missing says what its
 * type's nought says: files of older versions have less in them. */

#include <json-c/json.h>

#include "agent.h"
#include "fault.h"
#include "guild-text.h"

/* Never NULL. */
struct json_object *state_record_write(const Agent *agent);

/* A new agent of the host, not in its tables yet. Nothing of the file is believed: whatever is wrong is a
 * fault. */
int state_record_read(struct json_object *record, Host *host, GuildTexts *guilds, Agent **ret, Fault *fault);
