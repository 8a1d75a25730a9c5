/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-scope.h"

#include <string.h>
#include <sys/socket.h>

#include "end.h"
#include "launch-fail.h"
#include "launcher.h"
#include "scope.h"
#include "time-util.h"

/* So often systemd may refuse a property, one each time, before it is believed that it refuses others than
 * we ask for. */
#define REFUSED_MAX 64u

static void open_gate(Child *c)
{
        c->state = CHILD_EXECUTING;
        c->scope_made_usec = now_usec(CLOCK_MONOTONIC);
        c->properties = sd_bus_message_unref(c->properties);
        oom_guild_watch(c->guild);
        /* If nobody is there to see it, the exit event comes. */
        if (c->gate < 0 || send(c->gate, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EPIPE)
                return;
        launch_fail(
                c, FAULT_START_FAILED, "Cannot open the gate of agenthost-executor: %s", strerror(errno));
}

/* A launcher that dies amid a launch may leave a scope with nothing in it, which does not go by itself and
 * blocks the name. Ours is asked for again when it has gone. */
static int on_looked_into(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        sd_bus *bus = sd_bus_message_get_bus(reply);
        Child *c = userdata;

        (void)ret_error;

        c->start_slot = sd_bus_slot_unref(c->start_slot);
        if (sd_bus_is_open(bus) <= 0)
                return 0;

        if (scope_look_into_read(reply) > 0 && scope_stop(bus, c->unit) >= 0)
                child_log(c, LOG_WARNING, "Removing %s, which an earlier launch has left empty", c->unit);
        else
                launch_fail(c, FAULT_AGENT_EXISTS,
                        "Agent %s already exists: there is a %s that is not known here (to end it: systemctl stop)",
                        c->agent_id, c->unit);
        return 0;
}

/* Returns whether there is hope. */
static bool look_into_other(Child *c, sd_bus *bus)
{
        if (c->looked_into || scope_look_into(bus, c->unit, on_looked_into, c, &c->start_slot) < 0)
                return false;

        c->looked_into = true;
        c->state = CHILD_WAITING;
        return true;
}

/* What systemd's own words do not say. It makes a file of what we ask for, and when it cannot, looks for
 * that file all the same. */
static const char *hint_at(const sd_bus_error *error)
{
        if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit"))
                return " (No space left below /run?)";
        if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitMasked"))
                return " (to allow it again: systemctl unmask)";
        return "";
}

static void scope_refused(Child *c, sd_bus *bus, const sd_bus_error *error)
{
        bool exists = sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists");
        bool without = c->n_refused < REFUSED_MAX && probe_learn(c->launcher->probe, error);

        c->scope = SCOPE_NONE;
        if (c->state == CHILD_FAILING)
                launch_settle(c);
        else if (without) {
                c->n_refused++;
                c->state = CHILD_WAITING;
                launch_request_scope(c);
        } else if (!exists)
                launch_fail(c, FAULT_START_FAILED, "systemd: %s%s", error->message, hint_at(error));
        else if (c->other_ends || launcher_is_ending(c->launcher, c->unit)) {
                c->looked_into = true;
                c->state = CHILD_WAITING;
        } else if (!look_into_other(c, bus))
                launch_fail(c, FAULT_AGENT_EXISTS, "systemd: %s", error->message);
}

static void scope_granted(Child *c, sd_bus_message *reply)
{
        int r;

        c->scope = SCOPE_THERE;
        if (c->state == CHILD_FAILING) {
                launch_remove_scope(c);
                return;
        }

        c->state = CHILD_STARTING;
        r = scope_start_read_job(reply, &c->job);
        if (r < 0)
                launch_fail(c, FAULT_START_FAILED, "Malformed answer of systemd: %s", strerror(-r));
}

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Child *c = userdata;

        (void)ret_error;

        c->start_slot = sd_bus_slot_unref(c->start_slot);
        /* Without a connection there is no answer, but an error of our own side. */
        if (error && sd_bus_is_open(sd_bus_message_get_bus(reply)) <= 0)
                launch_on_disconnected(c);
        else if (error)
                scope_refused(c, sd_bus_message_get_bus(reply), error);
        else
                scope_granted(c, reply);
        return 0;
}

void launch_request_scope(Child *c)
{
        const Runtime *runtime = runtime_set_find(c->launcher->runtimes, c->runtime);
        sd_bus *bus = launcher_start_bus(c->launcher);
        _cleanup_free_ char *description = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        if (!bus || c->start_slot)
                return;
        if (!runtime) {
                launch_fail(c, FAULT_NO_SUCH_RUNTIME, "There is no runtime %s any more", c->runtime);
                return;
        }
        if (probe_check_required(c->launcher->probe, runtime, &fault) < 0) {
                launch_fail(c, fault.kind, "%s", fault_text(&fault));
                return;
        }

        if (asprintf(&description, "Agent %s", c->agent_id) < 0) {
                description = NULL;
                r = -ENOMEM;
        } else
                r = scope_start(bus,
                        &(ScopeSpec){ .unit = c->unit,
                                .slice = c->slice,
                                .description = description,
                                .pid = c->pid,
                                .runtime = runtime,
                                .properties = c->properties,
                                .probe = c->launcher->probe },
                        on_started, c, &c->start_slot);
        if (r < 0 && sd_bus_is_open(bus) <= 0)
                /* The connection has just broken; the next one will do. */
                return;
        if (r < 0) {
                c->scope = SCOPE_NONE;
                launch_fail(c, FAULT_START_FAILED, "Cannot ask systemd for a scope: %s", strerror(-r));
                return;
        }

        c->state = CHILD_REQUESTED;
        c->scope = SCOPE_UNKNOWN;
        c->asked_after = manager_list_number(c->launcher->manager);
}

void launch_on_job_removed(Child *c, uint32_t job, const char *result)
{
        if (c->state != CHILD_STARTING || job != c->job)
                return;

        if (strcmp(result, "done") == 0)
                open_gate(c);
        else
                launch_fail(c, FAULT_START_FAILED, "systemd did not make the scope: its job ended as '%s'",
                        result);
}

void launch_on_scope_gone(Child *c)
{
        if (c->state == CHILD_FAILING)
                launch_settle(c);
        else if (c->state == CHILD_STARTING)
                launch_fail(c, FAULT_START_FAILED, "%s was removed before it had started", c->unit);
        /* With the gate open, the exit of what was in the scope tells the rest. */
}

void launch_on_other_gone(Child *c)
{
        if (c->state == CHILD_WAITING && c->looked_into && !c->start_slot)
                launch_request_scope(c);
}

void launch_on_disconnected(Child *c)
{
        c->start_slot = sd_bus_slot_unref(c->start_slot);
        if (c->state == CHILD_REQUESTED)
                c->state = CHILD_WAITING;
}

/* systemd could not send it. What it has done then is in the list. */
static void give_up_lost_answer(Child *c, uint64_t number)
{
        if (!c->start_slot || c->scope != SCOPE_UNKNOWN || number <= c->asked_after)
                return;

        child_log(c, LOG_WARNING, "systemd's answer about %s is lost", c->unit);
        c->start_slot = sd_bus_slot_unref(c->start_slot);
        if (c->state == CHILD_REQUESTED)
                c->state = CHILD_WAITING;
}

void launch_on_listed(Child *c, uint64_t number, const ScopeEntry *entry)
{
        give_up_lost_answer(c, number);
        switch (c->state) {
        case CHILD_WAITING:
                /* The one that is to go first. */
                if (entry && (c->looked_into || c->other_ends)) {
                        c->looked_into = true;
                        return;
                }
                if (!entry || c->scope == SCOPE_NONE) {
                        /* Also where somebody else's scope has the name: systemd will say so. */
                        launch_request_scope(c);
                        return;
                }
                c->scope = SCOPE_THERE;
                c->state = CHILD_STARTING;
                c->job = entry->job;
                break;
        case CHILD_FAILING:
                if (c->scope == SCOPE_UNKNOWN && !c->start_slot)
                        c->scope = entry ? SCOPE_THERE : SCOPE_NONE;
                break;
        default:
                break;
        }

        if (c->scope == SCOPE_THERE && (!entry || !entry->alive))
                end_on_scope_gone(c);
        else if (c->state == CHILD_STARTING && entry->started && entry->job == 0)
                open_gate(c);
        else if (c->state == CHILD_FAILING) {
                launch_remove_scope(c);
                launch_settle(c);
        }
}
