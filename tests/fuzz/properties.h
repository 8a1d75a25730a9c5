/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit properties as somebody may send them: of any name, with a value of any type. For the targets of the
 * parsers that they go through, one after the other: agenthostd's and the launcher's.
 *
 * The bytes say how they are built. A property is a byte for its name (beyond the known ones: a text), a
 * byte for the type of its value, and what that takes: numbers as they are on this machine, a byte for how
 * many items an array has, or bytes a text has; in a variant, again a byte for the type. */

#include "fuzz.h"

/* Appends an a(sv). Whatever the bytes are, it is well-formed: who sends something else is cut off by
 * sd-bus. Returns how many properties there are. */
unsigned fuzz_append_properties(sd_bus_message *m, const uint8_t *data, size_t size);
