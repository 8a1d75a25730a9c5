/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stop-all.h"

#include "progress.h"
#include "proto/names.h"

typedef struct StopAll {
        Progress progress;
        sd_bus_message *answer; /* NULL: not there yet */
} StopAll;

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        StopAll *s = userdata;

        (void)m;
        (void)error;

        progress_step(&s->progress);
        return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        StopAll *s = userdata;

        (void)error;

        s->answer = sd_bus_message_ref(m);
        return 1;
}

/* Only where somebody looks. Without it, agents are stopped as well: what goes wrong here, the call itself
 * will tell. */
static void begin_progress(Ctl *ctl, StopAll *s, sd_bus_slot **ret_match)
{
        uint32_t n;

        if (progress_is_wanted() &&
                sd_bus_get_property_trivial(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "AgentCount",
                        NULL, 'u', &n) >= 0 &&
                sd_bus_match_signal(ctl->bus, ret_match, BUS_NAME, HOST_PATH, MANAGER_INTERFACE,
                        "AgentRemoved", on_removed, s) >= 0)
                progress_begin(&s->progress, "stopping", 0, n);
}

static int wait_for_answer(Ctl *ctl, StopAll *s, sd_bus_message *call)
{
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *match = NULL, *slot = NULL;
        int r;

        begin_progress(ctl, s, &match);
        r = sd_bus_call_async(ctl->bus, &slot, call, on_answer, s, CALL_NO_LIMIT);
        while (r >= 0 && !s->answer && !ctl_is_over(ctl->event))
                r = sd_event_run(ctl->event, UINT64_MAX);
        progress_hide(&s->progress);
        return s->answer ? EXIT_OK : ctl_end_of(ctl->event, r);
}

int stop_all(Ctl *ctl, const char *member, sd_bus_message **ret, const char *types, ...)
{
        _cleanup_message_ sd_bus_message *call = NULL, *answer = NULL;
        StopAll s = { 0 };
        va_list ap;
        int r;

        va_start(ap, types);
        r = ctl_manager_call_new(ctl, member, &call, types, ap);
        va_end(ap);
        if (r == EXIT_OK)
                r = wait_for_answer(ctl, &s, call);
        answer = s.answer;
        if (r != EXIT_OK)
                return r;
        if (sd_bus_message_is_method_error(answer, NULL))
                return ctl_report(NULL, sd_bus_message_get_error(answer));
        *ret = steal_ptr(answer);
        return EXIT_OK;
}
