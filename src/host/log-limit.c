/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-limit.h"

#include <glib.h>

#include "log.h"
#include "time-util.h"

struct LogLimit {
        sd_event *event;
        const char *what;
        unsigned burst;
        uint64_t interval_usec;
        unsigned n_admitted, n_held; /* in this interval */
        sd_event_source *end; /* of this interval; NULL: none is running */
};

LogLimit *log_limit_new(sd_event *event, const char *what, unsigned burst, uint64_t interval_usec)
{
        LogLimit *l = g_new0(LogLimit, 1);

        *l = (LogLimit){
                .event = sd_event_ref(event),
                .what = what,
                .burst = burst,
                .interval_usec = interval_usec,
        };
        return l;
}

static void close_interval(LogLimit *l)
{
        char span[FORMAT_USEC_MAX];

        if (l->n_held > 0)
                log_warning("%u more %s within the last %s", l->n_held, l->what,
                        format_usec(span, sizeof(span), l->interval_usec));
        l->n_admitted = l->n_held = 0;
        l->end = sd_event_source_disable_unref(l->end);
}

LogLimit *log_limit_free(LogLimit *l)
{
        if (!l)
                return NULL;

        close_interval(l);
        sd_event_unref(l->event);
        g_free(l);
        return NULL;
}

static int on_end(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        close_interval(userdata);
        return 0;
}

bool log_limit_admits(LogLimit *l)
{
        if (!l->end &&
                sd_event_add_time_relative(
                        l->event, &l->end, CLOCK_MONOTONIC, l->interval_usec, 0, on_end, l) < 0)
                g_error("Cannot arm a timer");

        if (l->n_admitted < l->burst) {
                l->n_admitted++;
                return true;
        }
        l->n_held++;
        return false;
}
