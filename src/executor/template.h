/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process that the launcher keeps, and its children. */

#include <stddef.h>

#include "proto/executor.h"

/* Does not return. */
typedef void (*BecomeAgent)(const char *plan, size_t plan_size);

/* Makes a child for each request, with the descriptors in their places. Returns 0 when the launcher has
 * gone, or a negative errno when it cannot go on. */
int template_serve(BecomeAgent become_agent);
