/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-info.h"

#include <glib.h>

#include "variant-json.h"

#define SYSTEMD "org.freedesktop.systemd1"

/* A question about a unit that is not loaded would make systemd load it, and tell everybody: so it is first
 * asked for something else, which fails then. */
static sd_bus_message *ask_processes(Ctl *ctl, const char *unit)
{
        sd_bus_message *reply = NULL;

        (void)sd_bus_call_method(ctl->bus, SYSTEMD, "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "GetUnitProcesses", NULL, &reply, "s", unit);
        return reply;
}

static struct json_object *ask_properties(Ctl *ctl, const char *unit)
{
        const char *interface = g_str_has_suffix(unit, ".slice") ? "org.freedesktop.systemd1.Slice"
                                                                 : "org.freedesktop.systemd1.Scope";
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = NULL;
        struct json_object *properties = NULL;

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0)
                g_error("Out of memory");
        (void)properties_get(ctl->bus, SYSTEMD, path, interface, &properties, &error);
        return properties;
}

static void read_processes(sd_bus_message *m, ProcessTree *tree)
{
        const char *cgroup, *command;
        uint32_t pid;

        if (sd_bus_message_enter_container(m, 'a', "(sus)") < 0)
                return;
        while (sd_bus_message_read(m, "(sus)", &cgroup, &pid, &command) > 0)
                process_tree_add(tree, cgroup, pid, command);
}

void unit_info_get(Ctl *ctl, const char *unit, UnitInfo *ret)
{
        _cleanup_message_ sd_bus_message *processes = ask_processes(ctl, unit);
        _cleanup_object_ struct json_object *properties = processes ? ask_properties(ctl, unit) : NULL;
        const char *cgroup = properties ? object_text(properties, "ControlGroup") : "";

        *ret = (UnitInfo){ .memory = UINT64_MAX, .tasks = UINT64_MAX };
        if (!*cgroup)
                return;

        ret->cgroup = g_strdup(cgroup);
        ret->memory = object_number(properties, "MemoryCurrent");
        ret->tasks = object_number(properties, "TasksCurrent");
        ret->processes = process_tree_new(cgroup);
        read_processes(processes, ret->processes);
}

void unit_info_done(UnitInfo *info)
{
        g_free(info->cgroup);
        process_tree_free(info->processes);
        *info = (UnitInfo){ 0 };
}
