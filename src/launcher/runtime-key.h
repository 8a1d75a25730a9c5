/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys of a runtime file: which field of a Runtime each one sets, how its value is read, what its
 * default is. Used by runtime-parse.c, which knows where in the file a key stands. */

#include "runtime.h"

/* Gives every key its default. 0 or -ENOMEM. */
int runtime_set_defaults(Runtime *runtime);

/* One assignment, with systemd's meaning: lists add up, anything else is replaced, an empty value goes back
 * to the default. -ENOMEM, or another negative errno with the fault set. */
int runtime_assign(Runtime *runtime, const char *key, const char *value, bool user_mode, Fault *fault);
