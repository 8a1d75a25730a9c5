/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "leave.h"

#include <poll.h>
#include <systemd/sd-daemon.h>

#include "agent-location.h"
#include "time-util.h"

#define LOOK_USEC (20 * USEC_PER_MSEC)
#define LIMIT_USEC (2 * USEC_PER_SEC)

static bool is_gone(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return pidfd >= 0 && poll(&p, 1, 0) > 0;
}

static bool is_to_hear_of_an_end(const Host *host)
{
        GHashTableIter i;
        gpointer value;

        if (!launcher_sync_is_settled(host->sync))
                return false;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Agent *a = value;

                if (agent_is_alive(a) && is_gone(a->pidfd))
                        return true;
        }
        return false;
}

/* The launcher, which is stopped together with us, may be gone before it could tell how they ended. Should
 * it tell our next life, and that start them again, they get their place again. */
static void drop_the_gone(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (agent_is_alive(a) && is_gone(a->pidfd))
                        agent_location_drop(a);
        }
}

static int on_look(sd_event_source *s, uint64_t usec, void *userdata)
{
        Host *host = userdata;

        (void)s;
        (void)usec;

        host->leave_timer = sd_event_source_disable_unref(host->leave_timer);
        if (now_usec(CLOCK_MONOTONIC) < host->leave_deadline_usec && is_to_hear_of_an_end(host) &&
                sd_event_add_time_relative(
                        host->event, &host->leave_timer, CLOCK_MONOTONIC, LOOK_USEC, 1, on_look, host) >= 0)
                return 0;

        drop_the_gone(host);
        host_end(host);
        return 0;
}

void host_leave(Host *host)
{
        if (host->leave_deadline_usec > 0)
                return;

        (void)sd_notify(false, "STOPPING=1");
        host->leave_deadline_usec = now_usec(CLOCK_MONOTONIC) + LIMIT_USEC;
        (void)on_look(NULL, 0, host);
}
