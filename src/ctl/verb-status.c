/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* status: of agents. Of the host: status-host.c. */

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "agents.h"
#include "journal.h"
#include "log.h"
#include "pager.h"
#include "proto/names.h"
#include "status.h"
#include "strv.h"
#include "term.h"
#include "text.h"
#include "time-util.h"
#include "unit-info.h"
#include "variant-json.h"
#include "verbs.h"

#define LINES_DEFAULT 10

void status_line(const char *label, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        printf("%*s: %s\n", STATUS_LABEL_WIDTH, label, text);
}

void status_tree(const UnitInfo *unit, const Options *o)
{
        g_autofree char *indent = g_strnfill(STATUS_LABEL_WIDTH + 2, ' ');

        status_line("CGroup", "%s", unit->cgroup);
        process_tree_print(unit->processes, stdout, indent, o->full ? 0 : term_width());
}

static char *get_clean(struct json_object *p, const char *name)
{
        const char *text = object_text(p, name);

        return text_clean(text, strlen(text), false);
}

/* "running since Tue 2026-11-24 20:11:02 UTC; 5min ago" */
static void print_state(struct json_object *p)
{
        const char *state = object_text(p, "State");
        bool alive = object_bool(p, "Alive");
        uint64_t ready = object_number(p, "ReadyAt"), created = object_number(p, "CreatedAt"),
                 exited = object_number(p, "ExitedAt"), next = object_number(p, "NextStartAt");
        uint64_t since = !alive ? exited : ready > 0 ? ready : created, now = now_usec(CLOCK_REALTIME);
        g_autofree char *time = text_of_time(since), *age = text_of_age(since, now);
        g_autofree char *start = text_of_age(next, now), *when = NULL;

        when = since > 0 && since != UINT64_MAX ? g_strdup_printf(" since %s; %s", time, age) : g_strdup("");
        status_line("State", "%s%s%s%s%s%s", term_colour(term_state_colour(state)), state, term_plain(),
                when, next > 0 && next != UINT64_MAX ? "; to be started again " : "",
                next > 0 && next != UINT64_MAX ? start : "");
}

/* Of one that has ended, or did before it was started again. */
static void print_result(struct json_object *p)
{
        const char *result = object_text(p, "Result"), *level = object_text(p, "OOMLevel");
        bool is_signal = strcmp(result, "signal") == 0 || strcmp(result, "core-dump") == 0;
        int64_t status = object_signed(p, "ExitStatus");
        const char *name = is_signal && status > 0 ? sigabbrev_np((int)status) : NULL;

        if (object_number(p, "ExitedAt") == 0 && strcmp(result, "success") == 0)
                return;
        if (name)
                status_line("Result", "%s (SIG%s)", result, name);
        else if (*level)
                status_line("Result", "%s (the limit was that of: %s)", result, level);
        else
                status_line("Result", "%s (status %" PRIi64 ")", result, status);
}

/* "12.5M (peak: 14.0M)" */
static void print_usage(struct json_object *p, const UnitInfo *unit)
{
        uint64_t peak = object_number(p, "MemoryPeak"), cpu = object_number(p, "CPUUsageNSec");
        g_autofree char *now_text = unit->memory != UINT64_MAX ? text_of_size(unit->memory) : NULL;
        g_autofree char *peak_text = peak != UINT64_MAX ? text_of_size(peak) : NULL;
        g_autofree char *cpu_text = cpu != UINT64_MAX ? text_of_cpu(cpu) : NULL;

        if (unit->tasks != UINT64_MAX)
                status_line("Tasks", "%" PRIu64, unit->tasks);
        if (now_text && peak_text)
                status_line("Memory", "%s (peak: %s)", now_text, peak_text);
        else if (now_text || peak_text)
                status_line("Memory", "%s%s", now_text ? now_text : peak_text, now_text ? "" : " (peak)");
        if (cpu_text)
                status_line("CPU", "%s", cpu_text);
}

static void print_head(struct json_object *p)
{
        const char *state = object_text(p, "State");
        g_autofree char *id = get_clean(p, "Id"), *name = get_clean(p, "Name"),
                        *class = get_clean(p, "ClassName"), *guild = get_clean(p, "GuildId"),
                        *text = get_clean(p, "StatusText");
        uint64_t restarts = object_number(p, "Restarts");

        printf("%s%s%s %s - %s\n", term_colour(term_state_colour(state)), term_dot(state), term_plain(), id,
                name);
        if (*class)
                status_line("Class", "%s", class);
        status_line("Guild", "%s", guild);
        status_line("Runtime", "%s", object_text(p, "Runtime"));
        print_state(p);
        print_result(p);
        if (restarts > 0 && restarts != UINT64_MAX)
                status_line("Restarts", "%" PRIu64, restarts);
        if (*text)
                status_line("Status", "\"%s\"", text);
}

/* In the registry that hosts share. Where there is none, or the agent has ended, there is nothing to tell.
 */
static void print_location(struct json_object *p)
{
        const char *location = object_text(p, "Location");
        bool is_lost = strcmp(location, "lost") == 0;

        if (*location && strcmp(location, "off") != 0)
                status_line("Location", "%s%s%s%s", is_lost ? term_colour(COLOUR_RED) : "", location,
                        is_lost ? ": another host has it" : "", is_lost ? term_plain() : "");
}

static void print_status(struct json_object *p, const UnitInfo *unit, const Options *o)
{
        uint64_t pid = object_number(p, "MainPID");

        print_head(p);
        status_line("Unit", "%s", object_text(p, "Unit"));
        print_location(p);
        if (pid > 0 && pid != UINT64_MAX)
                status_line("Main PID", "%" PRIu64, pid);
        print_usage(p, unit);
        if (unit->cgroup)
                status_tree(unit, o);
}

/* From afar there is none, as systemctl status has it. */
static void print_log(const Options *o, const char *id)
{
        int64_t n = o->lines >= 0 ? o->lines : LINES_DEFAULT;
        _cleanup_(journal_freep) Journal *j = NULL;

        if (o->remote || n == 0 || journal_new(o, &j) < 0 || journal_add_agent(j, id) < 0)
                return;
        journal_cut(j, o->full ? 0 : term_width());
        putchar('\n');
        if (journal_print(j, n) == 0 && !o->no_legend && journal_hint() && !o->user)
                printf("%s\n", journal_hint());
}

/* A number that is a JSON number, or nothing. */
static void add_known(struct json_object *o, const char *key, uint64_t number)
{
        json_object_object_add(o, key, number != UINT64_MAX ? json_object_new_uint64(number) : NULL);
}

static int get_status(Ctl *ctl, const char *id, struct json_object **ret, UnitInfo *ret_unit)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = ctl_agent_path(id);
        int r;

        r = properties_get(ctl->bus, BUS_NAME, path, AGENT_INTERFACE, ret, &error);
        if (r < 0 && ctl_code_of(&error) == EXIT_NO_AGENT) {
                log_error(
                        "%s: there is no such agent ('agentctl list' shows those that there are; what it has logged: "
                        "'agentctl logs %s')",
                        id, id);
                return EXIT_NO_AGENT;
        }
        if (r < 0)
                return ctl_report(id, &error);

        *ret_unit = (UnitInfo){ .memory = UINT64_MAX, .tasks = UINT64_MAX };
        if (object_bool(*ret, "Alive"))
                unit_info_get(ctl, object_text(*ret, "Unit"), ret_unit);
        return object_bool(*ret, "Alive") ? EXIT_OK : EXIT_NOT_ALIVE;
}

static int status_of_agents(Ctl *ctl, char **ids)
{
        _cleanup_object_ struct json_object *array = json_object_new_array();
        const Options *o = ctl->options;
        int code = EXIT_OK;

        pager_open(o);
        for (char **id = ids; *id; id++) {
                _cleanup_object_ struct json_object *properties = NULL;
                _cleanup_(unit_info_done) UnitInfo unit = { 0 };

                code = exit_code_merge(code, get_status(ctl, *id, &properties, &unit));
                if (!properties)
                        continue;
                if (o->json != JSON_OFF) {
                        add_known(properties, "MemoryCurrent", unit.memory);
                        add_known(properties, "TasksCurrent", unit.tasks);
                        object_add_text(properties, "ControlGroup", unit.cgroup);
                        json_object_array_add(array, json_object_get(properties));
                        continue;
                }
                if (id > ids)
                        putchar('\n');
                print_status(properties, &unit, o);
                print_log(o, *id);
        }
        if (o->json != JSON_OFF)
                json_print(array, o->json);
        return code;
}

int verb_status(Ctl *ctl, char **arguments)
{
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = agents_meant(ctl, arguments, true, &ids);
        if (r != EXIT_OK)
                return r;
        return ids ? status_of_agents(ctl, ids) : status_of_host(ctl);
}
