/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "[12/200] starting": on standard error while work on many agents goes on, if that is a terminal. */

#include "macros.h"

typedef struct Progress {
        const char *what; /* borrowed */
        size_t done, all;
        bool shown; /* there is a line to be wiped off */
} Progress;

/* done: before. Of a single one there is nothing to tell. */
void progress_begin(Progress *p, const char *what, size_t done, size_t all);
void progress_step(Progress *p);

/* Whether it would be seen. */
bool progress_is_wanted(void);

/* Before anything else is written to the terminal; the next step shows it again. */
void progress_hide(Progress *p);
