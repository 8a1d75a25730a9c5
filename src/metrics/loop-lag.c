/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop-lag.h"

#include <glib.h>

#include "time-util.h"

/* A loop that has more to do looks for events without sleeping, which is over sooner than this. One that has
 * slept for less has been woken while it was falling asleep: that is the same stretch of work. */
#define SLEEP_MIN_USEC 20u

struct LoopLag {
        Histogram *histogram;
        sd_event_source *source;
        uint64_t woken_usec; /* CLOCK_MONOTONIC; when this stretch began. 0: none has yet */
        uint64_t asleep_usec; /* when the loop last looked for events, to sleep if there were none */
};

/* Called whenever the loop is about to look for events. */
static int on_prepare(sd_event_source *s, void *userdata)
{
        LoopLag *l = userdata;
        uint64_t woken_usec;

        /* When it looked last, or was woken. */
        if (sd_event_now(sd_event_source_get_event(s), CLOCK_MONOTONIC, &woken_usec) != 0)
                return 0;

        if (l->woken_usec == 0) {
                l->woken_usec = woken_usec;
        } else if (woken_usec >= l->asleep_usec + SLEEP_MIN_USEC) {
                histogram_observe(l->histogram, l->asleep_usec - l->woken_usec);
                l->woken_usec = woken_usec;
        }
        l->asleep_usec = now_usec(CLOCK_MONOTONIC);
        return 0;
}

static int on_never(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;
        (void)userdata;

        return 0;
}

/* A time that never comes: a source that does nothing but be asked before each look for events. */
static int add_source(LoopLag *l, sd_event *event)
{
        int r = sd_event_add_time(event, &l->source, CLOCK_MONOTONIC, USEC_INFINITY, 0, on_never, l);

        if (r >= 0)
                r = sd_event_source_set_prepare(l->source, on_prepare);
        if (r >= 0)
                (void)sd_event_source_set_description(l->source, "loop-lag");
        return r;
}

int loop_lag_new(sd_event *event, Histogram *histogram, LoopLag **ret)
{
        LoopLag *l = g_new0(LoopLag, 1);
        int r;

        l->histogram = histogram;
        r = add_source(l, event);
        if (r < 0) {
                loop_lag_free(l);
                return r;
        }

        *ret = l;
        return 0;
}

LoopLag *loop_lag_free(LoopLag *l)
{
        if (!l)
                return NULL;

        sd_event_source_disable_unref(l->source);
        g_free(l);
        return NULL;
}
