/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run */

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "escape.h"
#include "journal.h"
#include "log.h"
#include "outcome.h"
#include "proto/names.h"
#include "run-call.h"
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
        bool placed; /* on any host, which the service chooses; else here */
        unsigned *repeats; /* by spec */
        struct json_object *results; /* with --json= */
        RunWatch *watch; /* with --wait or --follow */
        Journal *journal; /* with --follow */
        Progress progress;
        bool all_begun; /* from here on it is about their ends */
        size_t n_started, n_ended;
        int code; /* of what could not be started */
        int ends; /* of how agents ended */
} Running;

static int make_call(Ctl *ctl, size_t index, sd_bus_message **ret, void *userdata)
{
        const Running *run = userdata;

        return run_call_new(
                ctl, run->specs.items->pdata[index], run->specs.client_properties, run->placed, ret);
}

static void tell_failure(Running *run, const char *id, const sd_bus_error *e)
{
        run->code = exit_code_merge(run->code, ctl_code_of(e));
        if (run->results)
                outcome_add_failure(run->results, id, e);
        else
                (void)ctl_report(*id ? id : NULL, e);
}

/* On whichever host. */
static void tell_placed(Running *run, sd_bus_message *answer)
{
        g_autofree char *clean = NULL;
        const char *id, *host;

        if (sd_bus_message_read(answer, "ss", &id, &host) < 0) {
                run->code = EXIT_FAILED;
                log_error("The answer of RunAgent cannot be read");
                return;
        }

        run->n_started++;
        if (run->results)
                object_add_text(outcome_add(run->results, id, "started"), "host", host);
        else if (!run->options->quiet) {
                clean = text_clean(id, strlen(id), false);
                printf("%s: started on %s\n", clean, host);
                fflush(stdout);
        }
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
        if (run->results) {
                o = outcome_add(run->results, id, "started");
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

static bool on_created(size_t index, sd_bus_message *answer, void *userdata)
{
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        Running *run = userdata;
        const RunSpec *s = run->specs.items->pdata[index];

        if (e && is_lost(e, run->repeats[index]) && run->repeats[index]++ < REPEATS_MAX)
                return true;
        progress_hide(&run->progress);
        if (e)
                tell_failure(run, s->id, e);
        else if (run->placed)
                tell_placed(run, answer);
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

        progress_hide(&run->progress);
        run->n_ended++;
        if (!succeeded)
                run->ends = end_code(run, end);
        if (run->results) {
                o = outcome_add(run->results, id, "ended");
                object_add_text(o, "result", end->result);
                json_object_object_add(o, "exit_status", json_object_new_int(end->status));
        } else if (succeeded && !run->options->quiet)
                printf("%s: ended (success)\n", clean);
        else if (!succeeded)
                printf("%s: ended (%s, status %d)\n", clean, end->result, end->status);
        fflush(stdout);
        if (run->all_begun)
                progress_step(&run->progress);
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

        /* Log lines would go through it. */
        if (run->journal)
                r = journal_follow(run->journal, event);
        else {
                progress_begin(&run->progress, "waiting", run->n_ended, run->n_started);
                run->all_begun = true;
        }
        while (r >= 0 && run_watch_count(run->watch) > 0 && !ctl_is_over(event))
                r = sd_event_run(event, UINT64_MAX);
        progress_hide(&run->progress);
        r = ctl_end_of(event, r);
        if (r == EXIT_OK && run->journal)
                (void)journal_drain(run->journal);
        if (r == EXIT_OK)
                tell_interrupt(run);
        return r;
}

/* What does not go together, before anything is done. */
static int check_options(const Options *o)
{
        if (o->here && (o->host || o->strategy)) {
                log_error("--here is a choice of the host as --host= and --strategy= are: give one of them");
                return EXIT_USAGE;
        }
        if ((o->wait || o->follow) && (o->host || o->strategy)) {
                log_error(
                        "--wait and --follow are for agents of the host that agentctl talks to: not with --host= or "
                        "--strategy=");
                return EXIT_USAGE;
        }
        if (o->follow && o->remote) {
                log_error("--follow reads the journal where agentctl runs: not with -H");
                return EXIT_USAGE;
        }
        return EXIT_OK;
}

/* Where nobody has chosen, the service does, if it knows of hosts to choose from. */
static int choose_where(Running *run)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        const Options *o = run->options;
        _cleanup_free_ char *state = NULL;

        if (o->here || o->wait || o->follow)
                return EXIT_OK;
        run->placed = o->host || o->strategy;
        if (run->placed)
                return EXIT_OK;
        for (unsigned n = 0; sd_bus_get_property_string(run->ctl->bus, BUS_NAME, HOST_PATH,
                                     MANAGER_INTERFACE, "DiscoveryState", &error, &state) < 0;
                n++) {
                if (!is_lost(&error, n) || n >= REPEATS_MAX)
                        return ctl_report(NULL, &error);
                sd_bus_error_free(&error);
        }
        run->placed = strcmp(state, "off") != 0;
        return EXIT_OK;
}

/* Before anything is started, so that nothing is missed. */
static int watch(Running *run)
{
        const Options *o = run->options;
        int r = 0;

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

static int begin(Running *run, char **arguments)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const Options *o = run->options;
        int r;

        r = check_options(o);
        if (r != EXIT_OK)
                return r;
        r = run_specs_read(o, arguments, &run->specs, &fault);
        if (r < 0) {
                log_error("%s", fault.kind == FAULT_NONE ? strerror(-r) : fault_text(&fault));
                return EXIT_USAGE;
        }
        run->repeats = g_new0(unsigned, run->specs.items->len);
        if (o->json != JSON_OFF)
                run->results = json_object_new_array();

        r = ctl_connect_to_act(run->ctl);
        if (r == EXIT_OK)
                r = choose_where(run);
        return r == EXIT_OK ? watch(run) : r;
}

static int run_all(Running *run, char **arguments)
{
        Batch batch = {
                .doing = "starting",
                .progress = &run->progress,
                .make = make_call,
                .answer = on_created,
                .userdata = run,
        };
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
