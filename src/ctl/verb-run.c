/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run */

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "escape.h"
#include "journal.h"
#include "log.h"
#include "proto/names.h"
#include "run-spec.h"
#include "run-watch.h"
#include "strv.h"
#include "text.h"
#include "variant-json.h"
#include "verbs.h"

/* How often a call is made again whose answer was lost, as agenthostd was restarted. */
#define REPEATS_MAX 5u

typedef struct Running {
        Ctl *ctl;
        const Options *options;
        RunSpecs specs;
        unsigned *repeats; /* by spec */
        struct json_object *results; /* with --json= */
        RunWatch *watch; /* with --wait or --follow */
        Journal *journal; /* with --follow */
        size_t n_started, n_ended;
        int code; /* of what could not be started */
        int ends; /* of how agents ended */
} Running;

static int append_text(sd_bus_message *m, const char *key, const char *value)
{
        return value ? sd_bus_message_append(m, "{sv}", key, "s", value) : 0;
}

static int append_environment(sd_bus_message *m, char **environment)
{
        int r;

        if (!environment)
                return 0;
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "environment");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, environment);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_options(sd_bus_message *m, const Running *run, const RunSpec *s)
{
        const Options *o = run->options;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_text(m, "wait", o->no_block ? "launched" : "ready");
        if (r >= 0)
                r = append_text(m, "request_id", s->request_id);
        if (r >= 0)
                r = append_text(m, "runtime", o->runtime);
        if (r >= 0)
                r = append_text(m, "restart", o->restart);
        if (r >= 0)
                r = append_text(m, "client_type", o->client_type);
        if (r >= 0)
                r = append_text(m, "client_properties", run->specs.client_properties);
        if (r >= 0 && o->has_machine_id)
                r = sd_bus_message_append(m, "{sv}", "machine_id", "i", (int32_t)o->machine_id);
        if (r >= 0 && o->takeover)
                r = sd_bus_message_append(m, "{sv}", "takeover", "b", 1);
        if (r >= 0 && o->timeout_usec > 0)
                r = sd_bus_message_append(m, "{sv}", "timeout", "t", o->timeout_usec);
        if (r >= 0)
                r = append_environment(m, o->environment);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int make_call(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        const Running *run = userdata;
        const RunSpec *s = run->specs.items->pdata[index];
        int r;

        r = sd_bus_message_new_method_call(
                ctl->bus, ret, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "CreateAgent");
        if (r >= 0)
                r = sd_bus_message_append(*ret, "sss", s->agent, s->guild, s->messaging);
        return r < 0 ? r : append_options(*ret, run, s);
}

static struct json_object *add_result(Running *run, const char *id, const char *state)
{
        struct json_object *o = json_object_new_object();

        object_add_text(o, "id", id);
        object_add_text(o, "outcome", state);
        json_object_array_add(run->results, o);
        return o;
}

static void tell_failure(Running *run, const char *id, const sd_bus_error *e)
{
        g_autofree char *text = NULL;
        struct json_object *o;

        run->code = exit_code_merge(run->code, ctl_code_of(e));
        if (run->options->json == JSON_OFF) {
                (void)ctl_report(*id ? id : NULL, e);
                return;
        }
        text = ctl_text_of(e);
        o = add_result(run, id, "failed");
        object_add_text(o, "error", e->name);
        object_add_text(o, "message", text);
}

/* is_new: it was not there before. */
static void tell_start(Running *run, sd_bus_message *answer, bool is_new)
{
        _cleanup_free_ char *unit = NULL;
        g_autofree char *clean = NULL;
        const char *id, *path;
        struct json_object *o;
        uint32_t pid;

        if (sd_bus_message_read(answer, "suo", &id, &pid, &path) < 0 || agent_unit_name(id, &unit) < 0) {
                run->code = EXIT_FAILED;
                log_error("The answer of CreateAgent cannot be read");
                return;
        }

        run->n_started++;
        if (run->watch)
                run_watch_add(run->watch, id, is_new);
        if (run->journal)
                (void)journal_add_agent(run->journal, id);
        if (run->options->json != JSON_OFF) {
                o = add_result(run, id, "started");
                json_object_object_add(o, "pid", json_object_new_int64(pid));
                object_add_text(o, "unit", unit);
                object_add_text(o, "object", path);
        } else if (!run->options->quiet) {
                clean = text_clean(id, strlen(id), false);
                printf("%s: started as process %" PRIu32 " in %s\n", clean, pid, unit);
                fflush(stdout);
        }
}

/* agenthostd went away with the call: what has been begun is found again by the request's id. A repeat can
 * be so early that the bus, which has it started again, is told of that end by systemd. */
static bool is_lost(const sd_bus_error *e, unsigned repeats)
{
        return sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY) ||
                (repeats > 0 && sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER));
}

static bool on_created(size_t index, sd_bus_message *answer, Progress *progress, void *userdata)
{
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        Running *run = userdata;
        const RunSpec *s = run->specs.items->pdata[index];

        if (e && is_lost(e, run->repeats[index]) && run->repeats[index]++ < REPEATS_MAX)
                return true;
        progress_hide(progress);
        if (e)
                tell_failure(run, s->id, e);
        else
                tell_start(run, answer, run->repeats[index] == 0 && !run->options->request_id);
        return false;
}

/* One agent's own exit code is ours, as if it had been run here. */
static int end_code(const Running *run, const RunEnd *end)
{
        return run->specs.items->len == 1 && strcmp(end->result, "exit-code") == 0 && end->status > 0
                ? end->status
                : EXIT_FAILED;
}

static void on_ended(const char *id, const RunEnd *end, void *userdata)
{
        bool succeeded = strcmp(end->result, "success") == 0;
        g_autofree char *clean = text_clean(id, strlen(id), false);
        Running *run = userdata;
        struct json_object *o;

        run->n_ended++;
        if (!succeeded)
                run->ends = end_code(run, end);
        if (run->options->json != JSON_OFF) {
                o = add_result(run, id, "ended");
                object_add_text(o, "result", end->result);
                json_object_object_add(o, "exit_status", json_object_new_int(end->status));
        } else if (succeeded && !run->options->quiet)
                printf("%s: ended (success)\n", clean);
        else if (!succeeded)
                printf("%s: ended (%s, status %d)\n", clean, end->result, end->status);
        fflush(stdout);
}

/* Ctrl-C is about the waiting, not about the agents. */
static void tell_interrupt(const Running *run)
{
        size_t n = run->n_started - run->n_ended;

        if (n == 1)
                log_info("The agent runs on; 'agentctl stop' stops it");
        else if (n > 1)
                log_info("%zu agents run on; 'agentctl stop' stops them", n);
}

static int wait_for_ends(Running *run)
{
        sd_event *event = run->ctl->event;
        int r = 0;

        if (!run->watch || run->n_started == 0)
                return EXIT_OK;

        if (run->journal)
                r = journal_follow(run->journal, event);
        while (r >= 0 && run_watch_count(run->watch) > 0 && !ctl_is_over(event))
                r = sd_event_run(event, UINT64_MAX);
        r = ctl_end_of(event, r);
        if (r == EXIT_OK && run->journal)
                (void)journal_drain(run->journal);
        if (r == EXIT_OK)
                tell_interrupt(run);
        return r;
}

static int begin(Running *run, char **arguments)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const Options *o = run->options;
        int r;

        r = run_specs_read(o, arguments, &run->specs, &fault);
        if (r < 0) {
                log_error("%s", fault.kind == FAULT_NONE ? strerror(-r) : fault_text(&fault));
                return EXIT_USAGE;
        }
        if (o->follow && o->remote) {
                log_error("--follow reads the journal where agentctl runs: not with -H");
                return EXIT_USAGE;
        }
        run->repeats = g_new0(unsigned, run->specs.items->len);
        if (o->json != JSON_OFF)
                run->results = json_object_new_array();

        r = ctl_connect_to_act(run->ctl);
        if (r != EXIT_OK)
                return r;
        if (o->wait || o->follow) {
                r = ctl_catch_interrupt(run->ctl->event);
                if (r >= 0)
                        r = run_watch_new(run->ctl, on_ended, run, &run->watch);
        }
        if (r >= 0 && o->follow) {
                r = journal_new(o, &run->journal);
                if (r >= 0)
                        r = journal_skip(run->journal);
        }
        return r < 0 ? ctl_report_errno("Cannot watch the agents", r) : EXIT_OK;
}

static int run_all(Running *run, char **arguments)
{
        Batch batch = { .doing = "starting", .make = make_call, .answer = on_created, .userdata = run };
        size_t n;
        int r;

        r = begin(run, arguments);
        if (r != EXIT_OK)
                return r;
        n = batch.n_items = run->specs.items->len;
        r = batch_run(run->ctl, &batch);
        if (r != EXIT_OK)
                return r;
        if (n > 1 && !run->options->quiet && run->options->json == JSON_OFF)
                printf("%zu of %zu agents started\n", run->n_started, n);
        fflush(stdout);

        r = wait_for_ends(run);
        if (run->results)
                json_print(run->results, run->options->json);
        return r != EXIT_OK ? r : exit_code_merge(run->code, run->ends);
}

int verb_run(Ctl *ctl, char **arguments)
{
        Running run = { .ctl = ctl, .options = ctl->options };
        int r = run_all(&run, arguments);

        run_watch_free(run.watch);
        journal_free(run.journal);
        json_object_put(run.results);
        run_specs_done(&run.specs);
        g_free(run.repeats);
        return r;
}
