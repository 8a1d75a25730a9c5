/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal of agents: what they say themselves, what agenthostd and its launcher say about them, and
 * what the service manager says of their scopes, in one stream. Read where agentctl runs. Used by logs,
 * status and run --follow. */

#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

#include "options.h"

typedef struct Journal Journal;

/* What is to be read must be added before the first reading. 0, or a negative errno. */
int journal_new(const Options *options, Journal **ret);
Journal *journal_free(Journal *journal);
static inline void journal_freep(Journal **journal)
{
        journal_free(*journal);
}

int journal_add_agent(Journal *journal, const char *id);
int journal_add_guild(Journal *journal, const char *id);
/* The services themselves, about whatever. */
int journal_add_services(Journal *journal);

/* Lines end where the terminal does. 0: they do not. */
void journal_cut(Journal *journal, unsigned width);

/* Writes the last n entries (-1: all) to standard output. Returns how many. */
int journal_print(Journal *journal, int64_t n);

/* Writes entries as they come, from now on or behind those that were written. */
int journal_follow(Journal *journal, sd_event *event);

/* From now on: to be called before what is to be followed happens. */
int journal_skip(Journal *journal);

/* What is on its way still, of those that have ended: until nothing more comes. */
int journal_drain(Journal *journal);

/* Why so little may be seen; NULL: that is not so. */
const char *journal_hint(void);
