/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtimes-bus.h"

#include "proto/launcher.h"

static int append_strv(sd_bus_message *m, const char *key, char *const *list)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", key);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'v', "as");
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, (char **)list);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_property_names(sd_bus_message *m, const Runtime *runtime)
{
        char **names;
        int r;

        names = calloc(runtime->n_properties + 1, sizeof(char *));
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < runtime->n_properties; i++)
                names[i] = runtime->properties[i].setting;

        r = append_strv(m, "UnitProperties", names);
        free(names);
        return r;
}

static int append_runtime(sd_bus_message *m, const Runtime *runtime)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", runtime->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_strv(m, "Match", runtime->match);
        if (r >= 0)
                r = append_strv(m, "ClientTypes", runtime->client_types);
        if (r >= 0)
                r = append_strv(m, "AllowEnvironment", runtime->allow_environment);
        if (r >= 0)
                r = append_property_names(m, runtime);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Type", "s",
                        runtime_type_name(runtime->type), "StartTimeoutUSec", "t",
                        runtime->start_timeout_usec, "StopTimeoutUSec", "t", runtime->stop_timeout_usec,
                        "WatchdogUSec", "t", runtime->watchdog_usec, "Restart", "s",
                        runtime_restart_name(runtime->restart), "RestartUSec", "t", runtime->restart_usec,
                        "RestartMaxUSec", "t", runtime->restart_max_usec, "User", "s",
                        runtime->user ? runtime->user : "", "File", "s", runtime->path, "Executable", "s",
                        runtime->exec[0]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r;
}

int runtimes_reply(const RuntimeSet *set, const Probe *probe, sd_bus_message *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(sa{sv})");
        if (r < 0)
                return r;
        for (size_t i = 0; i < set->n_runtimes; i++) {
                r = append_runtime(reply, set->runtimes[i]);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(reply, set->refused);
        if (r < 0)
                return r;
        r = probe_append_unsupported(probe, reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}
