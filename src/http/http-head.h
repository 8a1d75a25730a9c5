/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reply's head says, as far as anybody here acts on it. Used by http-client.c. */

#include "macros.h"

#define RETRY_AFTER_MAX_USEC (3600 * USEC_PER_SEC)

/* The value of Retry-After, seconds or a date (then counted from now_sec, of the epoch), as a time from now:
 * 0 for none, for the past and for what is neither; an hour at most. */
uint64_t http_parse_retry_after(const char *value, int64_t now_sec);
