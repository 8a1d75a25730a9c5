/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Long output goes through a pager where standard output is a terminal: $SYSTEMD_PAGER, $PAGER, less, more,
 * the first that there is; "cat" or an empty text is none. */

#include "options.h"

/* From here on standard output is the pager's. */
void pager_open(const Options *options);

/* Waits until the user has seen enough. */
void pager_close(void);
