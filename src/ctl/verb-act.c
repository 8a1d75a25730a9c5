/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stop, restart, kill, freeze, thaw; shutdown, cleanup */

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "agents.h"
#include "batch.h"
#include "fault-bus.h"
#include "log.h"
#include "outcome.h"
#include "proto/names.h"
#include "stop-all.h"
#include "strv.h"
#include "text.h"
#include "variant-json.h"
#include "verbs.h"

typedef struct Action {
        const char *doing, *done; /* "stopping", "stopped" */
        BatchMake make;
        bool anywhere; /* agents of other hosts too */

        /* Set by act(). */
        const Options *options;
        char **ids;
        struct json_object *outcomes; /* with --json= */
        bool *elsewhere; /* by id: not on this host; NULL: it is about this host alone */
        Progress progress;
        int code;
} Action;

static void print_done(const Action *a, const char *id)
{
        g_autofree char *clean = text_clean(id, strlen(id), false);

        if (a->outcomes)
                (void)outcome_add(a->outcomes, id, a->done);
        else if (!a->options->quiet)
                printf("%s: %s\n", clean, a->done);
}

static int tell_failure(const Action *a, const char *id, const sd_bus_error *e)
{
        if (!a->outcomes)
                return ctl_report(id, e);
        outcome_add_failure(a->outcomes, id, e);
        return ctl_code_of(e);
}

static int tell_unknown(const Action *a, const char *id)
{
        static const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(ERROR_PREFIX "NoSuchAgent",
                "there is no such agent ('agentctl list' shows those that there are)");

        return tell_failure(a, id, &error);
}

/* StopAgent says so in its answer, the methods of objects by not being there. */
static bool is_unknown(sd_bus_message *answer)
{
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        int stopped;

        if (e)
                return ctl_code_of(e) == EXIT_NO_AGENT;
        return sd_bus_message_has_signature(answer, "b") &&
                sd_bus_message_read(answer, "b", &stopped) >= 0 && !stopped;
}

static bool on_acted(size_t index, sd_bus_message *answer, void *userdata)
{
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        Action *a = userdata;
        const char *id = a->ids[index];
        bool unknown = is_unknown(answer);
        int code = EXIT_OK;

        if (unknown && a->elsewhere && !a->elsewhere[index]) {
                a->elsewhere[index] = true;
                return true;
        }
        progress_hide(&a->progress);
        if (unknown)
                code = tell_unknown(a, id);
        else if (e)
                code = tell_failure(a, id, e);
        else
                print_done(a, id);
        a->code = exit_code_merge(a->code, code);
        return false;
}

static int act(Ctl *ctl, char **arguments, Action *action)
{
        _cleanup_strv_free_ char **ids = NULL;
        _cleanup_object_ struct json_object *outcomes = NULL;
        g_autofree bool *elsewhere = NULL;
        Batch batch = {
                .doing = action->doing,
                .progress = &action->progress,
                .make = action->make,
                .answer = on_acted,
                .userdata = action,
        };
        int r;

        r = ctl_connect_to_act(ctl);
        if (r == EXIT_OK)
                r = agents_meant(ctl, arguments, false, &ids);
        if (r != EXIT_OK)
                return r;

        action->options = ctl->options;
        action->ids = ids;
        batch.n_items = strv_length(ids);
        if (action->anywhere && !ctl->options->here)
                action->elsewhere = elsewhere = g_new0(bool, batch.n_items);
        if (ctl->options->json != JSON_OFF)
                action->outcomes = outcomes = json_object_new_array();
        r = batch_run(ctl, &batch);
        if (outcomes)
                json_print(outcomes, ctl->options->json);
        if (r != EXIT_OK)
                return r;
        return ctl->incomplete ? exit_code_merge(action->code, EXIT_FAILED) : action->code;
}

/* First here: that is all that a rule of polkit may allow, and no registry is needed for it. */
static int make_stop(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        const Action *a = userdata;
        int r;

        r = sd_bus_message_new_method_call(ctl->bus, ret, BUS_NAME, HOST_PATH, MANAGER_INTERFACE,
                a->elsewhere && a->elsewhere[index] ? "StopAgentAnywhere" : "StopAgent");
        return r < 0 ? r : sd_bus_message_append(*ret, "su", a->ids[index], options_timeout_sec(a->options));
}

static int make_agent_call(
        Ctl *ctl, size_t index, const char *member, sd_bus_message **ret, const Action *action)
{
        _cleanup_free_ char *path = ctl_agent_path(action->ids[index]);

        return sd_bus_message_new_method_call(ctl->bus, ret, BUS_NAME, path, AGENT_INTERFACE, member);
}

static int make_restart(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        return make_agent_call(ctl, index, "Restart", ret, userdata);
}

static int make_freeze(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        return make_agent_call(ctl, index, "Freeze", ret, userdata);
}

static int make_thaw(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        return make_agent_call(ctl, index, "Thaw", ret, userdata);
}

static int make_kill(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        const Options *o = ctl->options;
        int r = make_agent_call(ctl, index, "Kill", ret, userdata);

        return r < 0 ? r
                     : sd_bus_message_append(*ret, "si", o->whom ? o->whom : "all",
                               o->signal_number > 0 ? o->signal_number : SIGTERM);
}

int verb_stop(Ctl *ctl, char **arguments)
{
        if (ctl->options->fleet && (!ctl->options->guild || ctl->options->here)) {
                log_error(
                        "--fleet is for all agents of a guild, wherever they are: with --guild=, without --here");
                return EXIT_USAGE;
        }
        return act(ctl, arguments,
                &(Action){ .doing = "stopping", .done = "stopped", .make = make_stop, .anywhere = true });
}

int verb_restart(Ctl *ctl, char **arguments)
{
        return act(ctl, arguments,
                &(Action){ .doing = "restarting", .done = "restarted", .make = make_restart });
}

int verb_kill(Ctl *ctl, char **arguments)
{
        return act(
                ctl, arguments, &(Action){ .doing = "signalling", .done = "signalled", .make = make_kill });
}

int verb_freeze(Ctl *ctl, char **arguments)
{
        return act(ctl, arguments, &(Action){ .doing = "freezing", .done = "frozen", .make = make_freeze });
}

int verb_thaw(Ctl *ctl, char **arguments)
{
        return act(ctl, arguments, &(Action){ .doing = "thawing", .done = "thawed", .make = make_thaw });
}

int verb_shutdown(Ctl *ctl, char **arguments)
{
        _cleanup_object_ struct json_object *object = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        uint32_t n;
        int r;

        (void)arguments;

        r = ctl_connect_to_act(ctl);
        if (r == EXIT_OK)
                r = stop_all(ctl, "ShutdownAgents", &reply, "u", options_timeout_sec(ctl->options));
        if (r != EXIT_OK)
                return r;
        r = sd_bus_message_read(reply, "u", &n);
        if (r < 0)
                return ctl_report_errno("The answer of ShutdownAgents cannot be read", r);
        if (ctl->options->json != JSON_OFF) {
                object = json_object_new_object();
                json_object_object_add(object, "stopped", json_object_new_int64(n));
                json_print(object, ctl->options->json);
        } else if (!ctl->options->quiet)
                printf("%" PRIu32 " agent%s stopped\n", n, n == 1 ? "" : "s");
        return EXIT_OK;
}

int verb_cleanup(Ctl *ctl, char **arguments)
{
        _cleanup_object_ struct json_object *outcomes = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        (void)arguments;

        r = ctl_connect_to_act(ctl);
        if (r == EXIT_OK)
                r = ctl_call_manager(ctl, "CleanupDeadAgents", CALL_NO_LIMIT, &reply, "");
        if (r != EXIT_OK)
                return r;
        r = sd_bus_message_read_strv(reply, &ids);
        if (r < 0)
                return ctl_report_errno("The answer of CleanupDeadAgents cannot be read", r);
        if (ctl->options->json != JSON_OFF)
                outcomes = json_object_new_array();
        for (char **id = ids; id && *id; id++)
                if (outcomes)
                        (void)outcome_add(outcomes, *id, "forgotten");
                else if (!ctl->options->quiet)
                        printf("%s: forgotten\n", *id);
        if (outcomes)
                json_print(outcomes, ctl->options->json);
        return EXIT_OK;
}
