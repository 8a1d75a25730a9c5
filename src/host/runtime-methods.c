/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-methods.h"

#include <string.h>

#include "fault-bus.h"
#include "host.h"

/* Opens an item of an a{sv}, whose value is of this type; close_item() ends it. */
static int open_item(sd_bus_message *m, const char *key, const char *type)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        return r < 0 ? r : sd_bus_message_open_container(m, 'v', type);
}

static int close_item(sd_bus_message *m)
{
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_list(sd_bus_message *m, const char *key, char **list)
{
        int r = open_item(m, key, "as");

        if (r >= 0)
                r = sd_bus_message_append_strv(m, list);
        return r < 0 ? r : close_item(m);
}

static int append_text(sd_bus_message *m, const char *key, const char *text)
{
        return text ? sd_bus_message_append(m, "{sv}", key, "s", text) : 0;
}

static int append_items(sd_bus_message *m, const RuntimeInfo *info, const Config *config)
{
        bool is_default = config->default_runtime && strcmp(config->default_runtime, info->name) == 0;
        int r;

        r = append_text(m, "File", info->file);
        if (r >= 0)
                r = append_text(m, "Executable", info->executable);
        if (r >= 0)
                r = append_text(m, "User", info->user);
        if (r >= 0)
                r = append_text(m, "Type", info->notify ? "notify" : "exec");
        if (r >= 0)
                r = append_text(m, "Restart", restart_policy_name(info->restart));
        if (r >= 0)
                r = append_list(m, "Match", info->match);
        if (r >= 0)
                r = append_list(m, "ClientTypes", info->client_types);
        if (r >= 0)
                r = append_list(m, "AllowEnvironment", info->allow_environment);
        if (r >= 0)
                r = append_list(m, "UnitProperties", info->unit_properties);
        if (r < 0)
                return r;
        return sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "Default", "b", is_default,
                "StartTimeoutUSec", "t", info->start_timeout_usec, "StopTimeoutUSec", "t",
                info->stop_timeout_usec, "WatchdogUSec", "t", info->watchdog_usec, "RestartUSec", "t",
                info->restart_usec, "RestartMaxUSec", "t", info->restart_max_usec);
}

static int append_runtime(sd_bus_message *m, const RuntimeInfo *info, const Config *config)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", info->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_items(m, info, config);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_runtimes(sd_bus_message *m, const Host *host)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "(sa{sv})");
        for (size_t i = 0; r >= 0 && i < runtimes_count(host->runtimes); i++)
                r = append_runtime(m, runtimes_get(host->runtimes, i), host->config);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "u", (uint32_t)runtimes_count_refused(host->runtimes));
}

int host_method_list_runtimes(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const Host *host = userdata;
        int r;

        if (!host->runtimes) {
                fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher has not told the runtimes yet; see '%s status "
                        "agenthost-launcher.service'",
                        host->paths->systemctl);
                return fault_to_bus_error(&fault, error);
        }
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_runtimes(reply, host);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
