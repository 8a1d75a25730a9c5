/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How ids become unit names. Every byte outside [A-Za-z0-9_.], and a leading dot, is written \xNN; so the
 * escaped text names one id only and nests no slice. Above 200 escaped bytes the text is cut at a whole byte
 * and ends in ":" (which no escaped text holds otherwise) and a 64-bit hash of the id, as unit names end at
 * 255 bytes. Used by the launcher for units, by agenthostd for the same names and for state files. */

#include "macros.h"

#define ID_BYTES_MAX 255u
#define ESCAPED_BYTES_MAX 200u

/* 1 to 255 bytes of UTF-8 that can be sent, without control characters (neither C0, DEL nor C1). */
bool id_is_valid(const char *id);

/* Valid, shortest-form UTF-8 without surrogates. */
bool utf8_is_valid(const char *text, size_t length);

/* U+FDD0 to U+FDEF and the last two of each plane: for use inside programs. sd-bus neither sends them nor
 * takes a message that has one. */
static inline bool utf8_is_noncharacter(uint32_t c)
{
        return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* Valid, and without such. */
bool utf8_is_sendable(const char *text);

/* Each byte of anything else becomes "?". */
void utf8_make_sendable(char *text);

/* All return 0 or -ENOMEM. */
int unit_escape(const char *id, char **ret);
int agent_unit_name(const char *agent_id, char **ret); /* agent-<id>.scope */
int guild_slice_name(const char *guild_id, char **ret); /* agents-<guild>.slice */

/* Whether a text has the form of an agent's scope name: what a caller may name to the launcher. */
bool agent_unit_is_valid(const char *unit);
