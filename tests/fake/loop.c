/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include "macros.h"

#define STEP_USEC (2 * USEC_PER_MSEC)

sd_event *loop_new(void)
{
        sd_event *event = NULL;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        return event;
}

void loop_until(sd_event *event, bool (*holds)(void *userdata), void *userdata)
{
        gint64 end = g_get_monotonic_time() + LOOP_LIMIT_SEC * G_USEC_PER_SEC;

        while (!holds(userdata)) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                g_assert_cmpint(sd_event_run(event, STEP_USEC), >=, 0);
        }
}

void loop_for(sd_event *event, unsigned msec)
{
        gint64 end = g_get_monotonic_time() + (gint64)msec * 1000;

        while (g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(event, STEP_USEC), >=, 0);
}
