/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long what comes in may have to wait until the event loop gets to it. Observed is each stretch of work,
 * from when the loop is woken to when it goes to sleep again: an event that arrives meanwhile waits no
 * longer than that. It is measured when the loop goes round anyway, and wakes nobody: an idle loop has no
 * lag. The sum of all stretches is the time in which the loop has been at work. Used by agenthostd. */

#include <systemd/sd-event.h>

#include "histogram.h"

typedef struct LoopLag LoopLag;

/* The histogram is borrowed, and outlives it. */
int loop_lag_new(sd_event *event, Histogram *histogram, LoopLag **ret);
LoopLag *loop_lag_free(LoopLag *lag);
