/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One runtime file: its keys, their values and their defaults. Used by runtime.c. */

#include "runtime.h"

/* Whether a file of this name (without ".runtime") can be a runtime: letters, digits, "_", "." and "-", no
 * dot in front. */
bool runtime_name_is_valid(const char *name);

/* Reads the file. 0, -ENOMEM, or another negative errno with the fault set to "FILE:LINE: what is wrong". */
int runtime_parse(const char *path, const char *name, bool user_mode, Runtime **ret, Fault *fault);
