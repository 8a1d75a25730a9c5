/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts as people see them: cleaned of what a terminal would obey, measured in the columns that they take
 * up, cut where they do not fit; and numbers in the units that people think in. All returned texts are
 * g_free()'s. */

#include "macros.h"

/* Valid UTF-8 without control characters: these come as \xNN, also bytes that are no UTF-8. A tab is kept
 * where keep_tab is set. */
char *text_clean(const char *text, size_t length, bool keep_tab);

/* In columns of a terminal. The text is valid UTF-8. */
unsigned text_width(const char *text);

/* At most so many columns (at least 1): what is longer ends in an ellipsis. */
char *text_fit(const char *text, unsigned width);

/* "Tue 2026-11-24 20:11:02 UTC", of microseconds since the epoch. */
char *text_of_time(uint64_t usec);

/* "5min ago", "2h 3min ago"; of both clocks' microseconds. A time that is to come is "in 3s". */
char *text_of_age(uint64_t usec, uint64_t now);

/* "12.5M", as systemd writes it. */
char *text_of_size(uint64_t bytes);

/* "1min 2.345s" */
char *text_of_cpu(uint64_t nsec);
