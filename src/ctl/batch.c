/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "batch.h"

#include <glib.h>

/* dbus-daemon lets a connection wait for 128 answers. */
#define AT_ONCE 64u

typedef struct Run {
        Ctl *ctl;
        const Batch *batch;
        size_t next, n_waiting, n_done;
} Run;

/* A call on its way. */
typedef struct Item {
        Run *run;
        size_t index;
} Item;

static int send_call(Run *run, size_t index);

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        g_autofree Item *item = userdata;
        Run *run = item->run;

        (void)error;

        run->n_waiting--;
        if (run->batch->answer(item->index, m, run->batch->userdata) && send_call(run, item->index) >= 0)
                return 1;
        run->n_done++;
        progress_step(run->batch->progress);
        return 1;
}

static int send_call(Run *run, size_t index)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        Item *item;
        int r;

        r = run->batch->make(run->ctl, index, &call, run->batch->userdata);
        if (r < 0)
                return r;

        item = g_new(Item, 1);
        *item = (Item){ run, index };
        r = sd_bus_call_async(run->ctl->bus, NULL, call, on_answer, item, CALL_NO_LIMIT);
        if (r < 0) {
                g_free(item);
                return r;
        }
        run->n_waiting++;
        return 0;
}

int batch_run(Ctl *ctl, const Batch *batch)
{
        size_t at_once = ctl->may_act_freely ? AT_ONCE : 1;
        Run run = { .ctl = ctl, .batch = batch };
        int r = 0;

        progress_begin(batch->progress, batch->doing, 0, batch->n_items);
        while (r >= 0 && run.n_done < batch->n_items) {
                while (r >= 0 && run.n_waiting < at_once && run.next < batch->n_items)
                        r = send_call(&run, run.next++);
                if (r >= 0)
                        r = sd_event_run(ctl->event, UINT64_MAX);
                if (ctl_is_over(ctl->event))
                        break;
        }
        progress_hide(batch->progress);
        return ctl_end_of(ctl->event, r);
}
