/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How many agents may have a stream of the journal. journald takes 4,096 of all the host, a number that is
 * compiled in, and closes what comes above: an agent that writes to such a stream dies of SIGPIPE, or loses
 * what it says. So there is a budget; above it, output goes nowhere, which is logged. An agent counts from
 * its launch to its end, also one that was adopted. Part of the Launcher. */

#include "macros.h"

#define STREAMS_MAX 3000u

typedef struct Streams {
        unsigned n, max;
        bool exhausted; /* said, once for each time that it comes to this */
} Streams;

/* Whether one more may have one. */
bool streams_take(Streams *streams);
void streams_give_back(Streams *streams);
