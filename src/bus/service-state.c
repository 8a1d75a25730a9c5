/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service-state.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "log.h"
#include "macros.h"
#include "time-util.h"

#define AGAIN_USEC (100 * USEC_PER_MSEC)

/* The loop holds the source. */
static int on_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        char *state = userdata;

        (void)usec;

        if (sd_notify(false, state) < 0)
                return sd_event_source_set_time_relative(s, AGAIN_USEC) < 0
                        ? 0
                        : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);

        /* That was the last reference. */
        (void)sd_event_source_set_floating(s, false);
        return 0;
}

/* Takes the text over, also on failure. */
static int arm(sd_event *event, char *state)
{
        sd_event_source *s;
        int r;

        r = sd_event_add_time_relative(event, &s, CLOCK_MONOTONIC, AGAIN_USEC, 0, on_again, state);
        if (r < 0) {
                free(state);
                return r;
        }
        (void)sd_event_source_set_destroy_callback(s, free);
        (void)sd_event_source_set_floating(s, true);
        sd_event_source_unref(s);
        return 0;
}

void service_say(sd_event *event, const char *state)
{
        int r = sd_notify(false, state);
        char *copy;

        if (r >= 0)
                return;

        log_warning("The service manager cannot be told, trying on: %s", strerror(-r));
        copy = strdup(state);
        r = copy ? arm(event, copy) : -ENOMEM;
        if (r < 0)
                log_error("The service manager is not told '%s': %s", state, strerror(-r));
}
