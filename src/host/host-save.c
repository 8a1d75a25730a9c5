/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-save.h"

#include <string.h>

#include "log-agent.h"
#include "time-util.h"

#define AGAIN_USEC USEC_PER_SEC

static void arm(Host *host);

/* Where one cannot be written, the others cannot either. False: something is left. */
static bool save_unsaved(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (!a->unsaved)
                        continue;
                if (store_save(host->store, a) < 0)
                        return false;
                a->unsaved = false;
                agent_log(a, LOG_INFO, "The state of agent %s is written now", a->id);
        }
        return true;
}

static int on_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        Host *host = userdata;
        bool removed, saved;

        (void)s;
        (void)usec;

        host->save_timer = sd_event_source_disable_unref(host->save_timer);
        /* This may be what makes the space. */
        removed = store_remove_leftovers(host->store);
        saved = save_unsaved(host);
        if (!removed || !saved)
                arm(host);
        return 0;
}

static void arm(Host *host)
{
        if (!host->save_timer &&
                sd_event_add_time_relative(
                        host->event, &host->save_timer, CLOCK_MONOTONIC, AGAIN_USEC, 0, on_again, host) < 0)
                g_error("Cannot arm a timer");
}

int host_save(Host *host, Agent *a)
{
        int r = store_save(host->store, a);

        if (r < 0 && !a->unsaved)
                agent_log(a, LOG_ERR, "The state of agent %s cannot be written below %s, trying on: %s",
                        a->id, host->paths->state_dir, strerror(-r));
        a->unsaved = r < 0;
        if (r < 0)
                arm(host);
        return r;
}

void host_remove_later(Host *host)
{
        if (store_has_leftovers(host->store))
                arm(host);
}
