/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For warnings that others can cause as often as they like: so many are logged in an interval, and at its
 * end how many there were besides. Used by notify.c. */

#include <systemd/sd-event.h>

#include "macros.h"

typedef struct LogLimit LogLimit;

/* what: of the line at the end, "N more WHAT within the last 10s". Kept by reference: a literal. */
LogLimit *log_limit_new(sd_event *event, const char *what, unsigned burst, uint64_t interval_usec);

/* What has not been told is told now. */
LogLimit *log_limit_free(LogLimit *limit);

/* Whether the warning is to be logged; it is counted otherwise. */
bool log_limit_admits(LogLimit *limit);
