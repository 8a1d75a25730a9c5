/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting for something on an event loop. Used by tests of what needs one. */

#include <systemd/sd-event.h>

#include <glib.h>

#include "time-util.h"

/* Each wait of a test ends with an event; this is for what should not be. */
#define UNTIL_LIMIT_USEC (30 * USEC_PER_SEC)

/* Fails, instead of waiting for ever. */
static inline int until_failed(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        g_error("The test waits for what does not come: %s", (const char *)userdata);
        return 0;
}

/* failed: an event handler that ends the test; its userdata is the condition's text. */
#define run_until_or(f, condition, failed)                                                       \
        do {                                                                                     \
                sd_event_source *_limit = NULL;                                                  \
                                                                                                 \
                g_assert_cmpint(sd_event_add_time_relative((f)->event, &_limit, CLOCK_MONOTONIC, \
                                        UNTIL_LIMIT_USEC, 0, failed, (void *)#condition),        \
                        >=, 0);                                                                  \
                while (!(condition))                                                             \
                        g_assert_cmpint(sd_event_run((f)->event, UINT64_MAX), >=, 0);            \
                sd_event_source_disable_unref(_limit);                                           \
        } while (0)

#define run_until(f, condition) run_until_or(f, condition, until_failed)
