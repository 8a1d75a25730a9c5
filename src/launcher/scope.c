/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope.h"

#include <signal.h>
#include <string.h>

#include "caller-property.h"
#include "manager.h"
#include "parse.h"

#define DESTINATION "org.freedesktop.systemd1"
#define JOB_PATH "/org/freedesktop/systemd1/job/"
#define UNIT_PATH "/org/freedesktop/systemd1/unit"
#define SYSTEMD_ERROR "org.freedesktop.systemd1."

/* Looking for processes is quick or does not matter any more. */
#define FIND_LIMIT_USEC (25 * USEC_PER_SEC)

static int new_call(sd_bus *bus, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(bus, ret, DESTINATION, "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", member);
}

/* TimeoutStopUSec and KillSignal serve a stop by an administrator: ours has its own timer. The scope is
 * collected whatever its result, else a failed one would block the name. What systemd does anyway is not
 * said: each property costs it time in each launch. */
static int append_own(sd_bus_message *m, const ScopeSpec *spec)
{
        const Runtime *runtime = spec->runtime;
        int r;

        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)", "PIDs", "au", 1, (uint32_t)spec->pid, "Slice",
                "s", spec->slice, "Description", "s", spec->description, "CollectMode", "s",
                "inactive-or-failed", "TimeoutStopUSec", "t", runtime->stop_timeout_usec);
        if (r >= 0 && runtime->stop_signal != SIGTERM)
                r = sd_bus_message_append(m, "(sv)", "KillSignal", "i", (int32_t)runtime->stop_signal);
        return r;
}

/* Of one that is set twice, systemd takes the last: so nothing that a caller sets can undo what comes after,
 * even if the runtime is not any more the one that it was checked against. */
static int append_properties(sd_bus_message *m, const ScopeSpec *spec)
{
        const Runtime *runtime = spec->runtime;
        int r;

        r = spec->properties ? caller_properties_append(m, spec->properties, spec->probe) : 0;
        for (size_t i = 0; r >= 0 && i < runtime->n_properties; i++) {
                const UnitProperty *property = &runtime->properties[i];

                if (probe_takes(spec->probe, unit_property_find(property->setting)))
                        r = unit_property_append(m, property);
        }
        return r < 0 ? r : append_own(m, spec);
}

int scope_start(sd_bus *bus,
        const ScopeSpec *spec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "StartTransientUnit", &m);
        if (r < 0)
                return r;
        /* "replace": a slice of a guild that is just being collected would refuse a start that yields. */
        r = sd_bus_message_append(m, "ss", spec->unit, "replace");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r < 0)
                return r;
        r = append_properties(m, spec);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, ret_slot, m, done, userdata, MANAGER_ANSWER_LIMIT_USEC);
}

int scope_start_read_job(sd_bus_message *reply, uint32_t *ret_job)
{
        const char *path;
        unsigned job;
        int r;

        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        if (strncmp(path, JOB_PATH, sizeof(JOB_PATH) - 1) != 0 ||
                parse_uint(path + sizeof(JOB_PATH) - 1, 1, UINT32_MAX, &job) < 0)
                return -EBADMSG;

        *ret_job = job;
        return 0;
}

/* Sends without expecting an answer. */
static int send_call(sd_bus *bus, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_set_expect_reply(m, false);
        if (r < 0)
                return r;
        return sd_bus_send(bus, m, NULL);
}

int scope_kill(sd_bus *bus, const char *unit, int signal_number)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "KillUnit", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssi", unit, "all", (int32_t)signal_number);
        if (r < 0)
                return r;
        return send_call(bus, m);
}

int scope_stop(sd_bus *bus, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "StopUnit", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", unit, "replace");
        if (r < 0)
                return r;
        return send_call(bus, m);
}

int scope_thaw(sd_bus *bus, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "ThawUnit", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", unit);
        if (r < 0)
                return r;
        return send_call(bus, m);
}

int scope_freeze(sd_bus *bus,
        const char *unit,
        bool freeze,
        uint64_t limit_usec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, freeze ? "FreezeUnit" : "ThawUnit", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", unit);
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, ret_slot, m, done, userdata, limit_usec);
}

int scope_find(sd_bus *bus, pid_t pid, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "GetUnitByPID", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "u", (uint32_t)pid);
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, ret_slot, m, done, userdata, FIND_LIMIT_USEC);
}

int scope_look_into(
        sd_bus *bus, const char *unit, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "GetUnitProcesses", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", unit);
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, ret_slot, m, done, userdata, FIND_LIMIT_USEC);
}

int scope_look_into_read(sd_bus_message *reply)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        int r;

        if (error)
                return -sd_bus_error_get_errno(error);
        r = sd_bus_message_enter_container(reply, 'a', "(sus)");
        if (r < 0)
                return r;
        return sd_bus_message_at_end(reply, false);
}

int scope_find_read(sd_bus_message *reply, const char *unit)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        _cleanup_free_ char *found = NULL;
        const char *path;
        int r;

        if (error) {
                if (sd_bus_error_has_name(error, SYSTEMD_ERROR "NoUnitForPID") ||
                        sd_bus_error_has_name(error, SYSTEMD_ERROR "NoSuchProcess"))
                        return 0;
                return -sd_bus_error_get_errno(error);
        }

        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        r = sd_bus_path_decode(path, UNIT_PATH, &found);
        if (r < 0)
                return r;
        return r > 0 && strcmp(found, unit) == 0;
}
