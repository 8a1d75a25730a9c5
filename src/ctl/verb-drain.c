/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* drain, resume */

#include <inttypes.h>

#include "log.h"
#include "stop-all.h"
#include "variant-json.h"
#include "verbs.h"

/* n_stopped: taken over; NULL: none was to be stopped. */
static void print_json(const Options *o, bool draining, struct json_object *n_stopped)
{
        _cleanup_object_ struct json_object *object = json_object_new_object();

        json_object_object_add(object, "draining", json_object_new_boolean(draining));
        if (n_stopped)
                json_object_object_add(object, "stopped", n_stopped);
        json_print(object, o->json);
}

static void print_drained(const Options *o, uint32_t n_stopped)
{
        if (o->json != JSON_OFF)
                print_json(o, true, o->stop ? json_object_new_int64(n_stopped) : NULL);
        if (o->json != JSON_OFF || o->quiet)
                return;
        printf("draining: no new agents are taken");
        if (o->stop)
                printf(", %" PRIu32 " agent%s stopped", n_stopped, n_stopped == 1 ? "" : "s");
        putchar('\n');
}

int verb_drain(Ctl *ctl, char **arguments)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const Options *o = ctl->options;
        uint32_t n;
        int r;

        (void)arguments;

        if (o->timeout_usec > 0 && !o->stop) {
                log_error("--timeout is the time that agents have to stop: it needs --stop");
                return EXIT_USAGE;
        }
        r = ctl_connect_to_act(ctl);
        if (r == EXIT_OK && o->stop)
                r = stop_all(ctl, "Drain", &reply, "bu", true, options_timeout_sec(o));
        else if (r == EXIT_OK)
                r = ctl_call_manager(ctl, "Drain", CALL_NO_LIMIT, &reply, "bu", false, 0u);
        if (r != EXIT_OK)
                return r;
        r = sd_bus_message_read(reply, "u", &n);
        if (r < 0)
                return ctl_report_errno("The answer of Drain cannot be read", r);
        print_drained(o, n);
        return EXIT_OK;
}

int verb_resume(Ctl *ctl, char **arguments)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const Options *o = ctl->options;
        int r;

        (void)arguments;

        r = ctl_connect_to_act(ctl);
        if (r == EXIT_OK)
                r = ctl_call_manager(ctl, "Resume", CALL_NO_LIMIT, &reply, "");
        if (r != EXIT_OK)
                return r;
        if (o->json != JSON_OFF)
                print_json(o, false, NULL);
        else if (!o->quiet)
                puts("new agents are taken again");
        return EXIT_OK;
}
