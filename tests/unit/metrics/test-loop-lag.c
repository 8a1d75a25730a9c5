/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lag of an event loop, which is measured without waking it. */

#include <glib.h>

#include "loop-lag.h"
#include "time-util.h"

#define WORK_USEC (5 * USEC_PER_MSEC)

/* Of one wake-up: so many events at the same time, each of which takes this long. */
typedef struct Work {
        sd_event *event;
        unsigned n_left;
} Work;

static int on_work(sd_event_source *s, void *userdata)
{
        uint64_t end_usec = now_usec(CLOCK_MONOTONIC) + WORK_USEC;
        Work *w = userdata;

        while (now_usec(CLOCK_MONOTONIC) < end_usec)
                ;
        g_assert_cmpint(sd_event_source_set_enabled(s, SD_EVENT_OFF), >=, 0);
        w->n_left--;
        return 0;
}

static void work(sd_event *event, unsigned n)
{
        Work w = { .event = event, .n_left = n };
        sd_event_source *sources[8];

        for (unsigned i = 0; i < n; i++)
                g_assert_cmpint(sd_event_add_defer(event, &sources[i], on_work, &w), >=, 0);
        while (w.n_left > 0)
                g_assert_cmpint(sd_event_run(event, UINT64_MAX), >=, 0);
        for (unsigned i = 0; i < n; i++)
                sd_event_source_unref(sources[i]);
}

/* Asleep for longer than anything that is not sleep. */
static void sleep_in_loop(sd_event *event)
{
        g_assert_cmpint(sd_event_run(event, 20 * USEC_PER_MSEC), ==, 0);
}

static uint64_t count_at_least(const Histogram *h, uint64_t usec)
{
        uint64_t n = histogram_count(h);

        for (unsigned i = 0; i < h->bounds->n && h->bounds->usec[i] <= usec; i++)
                n -= h->counts[i];
        return n;
}

static void test_events_that_come_together_wait_for_one_another(void)
{
        Histogram h = HISTOGRAM_INIT(&histogram_moments);
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        LoopLag *lag;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(loop_lag_new(event, &h, &lag), >=, 0);
        sleep_in_loop(event);
        work(event, 8);
        sleep_in_loop(event);
        sleep_in_loop(event);

        g_assert_cmpuint(h.sum_usec, >=, 8 * WORK_USEC);
        g_assert_cmpuint(count_at_least(&h, 25 * USEC_PER_MSEC), >=, 1);
        loop_lag_free(lag);
}

static void test_an_idle_loop_is_not_woken(void)
{
        Histogram h = HISTOGRAM_INIT(&histogram_moments);
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        LoopLag *lag;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(loop_lag_new(event, &h, &lag), >=, 0);
        /* 0: nothing was dispatched until the time was up. */
        g_assert_cmpint(sd_event_run(event, 300 * USEC_PER_MSEC), ==, 0);
        g_assert_cmpint(sd_event_run(event, 300 * USEC_PER_MSEC), ==, 0);
        g_assert_cmpuint(histogram_count(&h), <=, 2);
        /* None of the time that it slept. */
        g_assert_cmpuint(h.sum_usec, <, 300 * USEC_PER_MSEC);
        loop_lag_free(lag);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/metrics/loop-lag/events-that-come-together-wait-for-one-another",
                test_events_that_come_together_wait_for_one_another);
        g_test_add_func("/metrics/loop-lag/an-idle-loop-is-not-woken", test_an_idle_loop_is_not_woken);
        return g_test_run();
}
