/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-signal.h"

#include <string.h>

#include "escape.h"
#include "log.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit"
#define AGENT_UNIT_PATH UNIT_PATH "/agent_2d"

int manager_signal_malformed(sd_bus_message *message, int error)
{
        log_error("Malformed signal %s from systemd: %s", sd_bus_message_get_member(message),
                strerror(-error));
        return 0;
}

int manager_signal_unit_removed(sd_bus_message *message, const char **ret_unit)
{
        const char *unit;
        int r;

        r = sd_bus_message_read(message, "s", &unit);
        if (r < 0)
                return manager_signal_malformed(message, r);
        if (!agent_unit_is_valid(unit))
                return 0;

        *ret_unit = unit;
        return 1;
}

int manager_signal_job_new(sd_bus_message *message, const char **ret_unit, uint32_t *ret_job)
{
        const char *unit;
        uint32_t job;
        int r;

        r = sd_bus_message_read(message, "uos", &job, NULL, &unit);
        if (r < 0)
                return manager_signal_malformed(message, r);
        if (!agent_unit_is_valid(unit))
                return 0;

        *ret_unit = unit;
        *ret_job = job;
        return 1;
}

int manager_signal_job_removed(
        sd_bus_message *message, const char **ret_unit, uint32_t *ret_job, const char **ret_result)
{
        const char *unit, *result;
        uint32_t job;
        int r;

        r = sd_bus_message_read(message, "uoss", &job, NULL, &unit, &result);
        if (r < 0)
                return manager_signal_malformed(message, r);
        if (!agent_unit_is_valid(unit))
                return 0;

        *ret_unit = unit;
        *ret_job = job;
        *ret_result = result;
        return 1;
}

/* The message is at a{sv}. 1 when Result was among the properties. */
static int read_result(sd_bus_message *message, const char **ret)
{
        const char *name, *result = NULL;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = sd_bus_message_read(message, "s", &name);
                if (r >= 0)
                        r = strcmp(name, "Result") == 0 ? sd_bus_message_read(message, "v", "s", &result)
                                                        : sd_bus_message_skip(message, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret = result;
        return result ? 1 : 0;
}

int manager_signal_scope_failed(sd_bus_message *message, char **ret_unit, const char **ret_result)
{
        const char *path = sd_bus_message_get_path(message), *interface, *result;
        _cleanup_free_ char *unit = NULL;
        int r;

        if (!path || strncmp(path, AGENT_UNIT_PATH, sizeof(AGENT_UNIT_PATH) - 1) != 0)
                return 0;

        r = sd_bus_message_read(message, "s", &interface);
        if (r >= 0 && strcmp(interface, "org.freedesktop.systemd1.Scope") != 0)
                return 0;
        if (r >= 0)
                r = read_result(message, &result);
        if (r < 0)
                return manager_signal_malformed(message, r);
        if (r == 0 || strcmp(result, "success") == 0)
                return 0;

        r = sd_bus_path_decode(path, UNIT_PATH, &unit);
        if (r < 0)
                return manager_signal_malformed(message, r);
        if (r == 0 || !agent_unit_is_valid(unit))
                return 0;

        *ret_unit = steal_ptr(unit);
        *ret_result = result;
        return 1;
}
