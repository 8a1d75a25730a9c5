/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal as sink of base/log.h: fields arrive as fields. Used by both daemons. */

/* Takes the journal where standard error is connected to it (JOURNAL_STREAM names the same file); elsewhere
 * lines stay on standard error, as a person who runs the daemon by hand expects. */
void log_open_journal(void);
