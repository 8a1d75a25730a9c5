/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtimes.h"

#include <fnmatch.h>
#include <glib.h>
#include <string.h>

#include "log.h"
#include "proto/launcher.h"
#include "strv.h"

/* The original's default. */
#define CLIENT_TYPE_DEFAULT "MessageTrackingClient"

struct Runtimes {
        RuntimeInfo *items;
        size_t n_items, n_refused;
};

static void info_done(RuntimeInfo *info)
{
        g_free(info->name);
        strv_free(info->match);
        strv_free(info->client_types);
        g_free(info->file);
        g_free(info->executable);
        g_free(info->user);
        strv_free(info->allow_environment);
        strv_free(info->unit_properties);
}

Runtimes *runtimes_free(Runtimes *l)
{
        if (!l)
                return NULL;

        for (size_t i = 0; i < l->n_items; i++)
                info_done(&l->items[i]);
        g_free(l->items);
        g_free(l);
        return NULL;
}

size_t runtimes_count(const Runtimes *l)
{
        return l ? l->n_items : 0;
}

const RuntimeInfo *runtimes_get(const Runtimes *l, size_t index)
{
        return &l->items[index];
}

size_t runtimes_count_refused(const Runtimes *l)
{
        return l ? l->n_refused : 0;
}

static int read_restart(sd_bus_message *m, RuntimeInfo *info)
{
        const char *text;
        int r = sd_bus_message_read(m, "v", "s", &text);

        if (r < 0)
                return r;
        info->restart = restart_policy_from_name(text);
        return info->restart == _RESTART_POLICY_MAX ? -EBADMSG : 0;
}

static int read_type(sd_bus_message *m, RuntimeInfo *info)
{
        const char *text;
        int r = sd_bus_message_read(m, "v", "s", &text);

        if (r >= 0)
                info->notify = strcmp(text, "notify") == 0;
        return r;
}

static int read_text(sd_bus_message *m, char **field)
{
        const char *text;
        int r = sd_bus_message_read(m, "v", "s", &text);

        if (r < 0)
                return r;
        g_free(*field);
        *field = g_strdup(text);
        return 0;
}

static int read_list(sd_bus_message *m, char ***field)
{
        int r = sd_bus_message_enter_container(m, 'v', "as");

        if (r < 0)
                return r;
        strv_free(*field);
        *field = NULL;
        r = sd_bus_message_read_strv(m, field);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_key(sd_bus_message *m, const char *key, RuntimeInfo *info)
{
        const struct {
                const char *key;
                uint64_t *time;
                char **text, ***list;
        } fields[] = {
                { "StartTimeoutUSec", .time = &info->start_timeout_usec },
                { "StopTimeoutUSec", .time = &info->stop_timeout_usec },
                { "WatchdogUSec", .time = &info->watchdog_usec },
                { "RestartUSec", .time = &info->restart_usec },
                { "RestartMaxUSec", .time = &info->restart_max_usec },
                { "File", .text = &info->file },
                { "Executable", .text = &info->executable },
                { "User", .text = &info->user },
                { "Match", .list = &info->match },
                { "ClientTypes", .list = &info->client_types },
                { "AllowEnvironment", .list = &info->allow_environment },
                { "UnitProperties", .list = &info->unit_properties },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (strcmp(fields[i].key, key) != 0)
                        continue;
                if (fields[i].text)
                        return read_text(m, fields[i].text);
                if (fields[i].list)
                        return read_list(m, fields[i].list);
                return sd_bus_message_read(m, "v", "t", fields[i].time);
        }
        if (strcmp(key, "Type") == 0)
                return read_type(m, info);
        if (strcmp(key, "Restart") == 0)
                return read_restart(m, info);
        return sd_bus_message_skip(m, "v");
}

static int read_item(sd_bus_message *m, RuntimeInfo *info)
{
        const char *name, *key;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;

        info->name = g_strdup(name);
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0)
                        r = read_key(m, key, info);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int runtimes_read(sd_bus_message *reply, Runtimes **ret)
{
        _cleanup_(runtimes_freep) Runtimes *l = g_new0(Runtimes, 1);
        _cleanup_strv_free_ char **refused = NULL;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(sa{sv})");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) > 0) {
                l->items = g_renew(RuntimeInfo, l->items, l->n_items + 1);
                l->items[l->n_items] = (RuntimeInfo){ .restart = RESTART_NO };
                l->n_items++;
                r = read_item(reply, &l->items[l->n_items - 1]);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read_strv(reply, &refused);
        if (r < 0)
                return r;

        l->n_refused = strv_length(refused);
        for (size_t i = 0; i < l->n_refused; i++)
                log_error("Runtime not offered: %s", refused[i]);

        *ret = steal_ptr(l);
        return 0;
}

static const RuntimeInfo *find_by_name(const Runtimes *l, const char *name)
{
        for (size_t i = 0; i < runtimes_count(l); i++)
                if (strcmp(l->items[i].name, name) == 0)
                        return &l->items[i];
        return NULL;
}

static const RuntimeInfo *find_by_match(const Runtimes *l, const char *class_name)
{
        for (size_t i = 0; i < runtimes_count(l); i++)
                for (char **glob = l->items[i].match; glob && *glob; glob++)
                        if (fnmatch(*glob, class_name, 0) == 0)
                                return &l->items[i];
        return NULL;
}

int runtimes_pick(const Runtimes *l,
        const char *name,
        const char *class_name,
        const Config *config,
        const Paths *paths,
        const RuntimeInfo **ret,
        Fault *fault)
{
        const RuntimeInfo *found;

        found = name ? find_by_name(l, name) : find_by_match(l, class_name);
        if (!found && !name && config->default_runtime) {
                name = config->default_runtime;
                found = find_by_name(l, name);
        }

        if (!found && name)
                return fault_set(fault, FAULT_NO_SUCH_RUNTIME,
                        "No runtime '%s'; runtimes are the files NAME.runtime in %s, read by '%s reload "
                        "agenthostd.service' (its journal says which are refused, and why)",
                        name, paths->runtimes_dirs[0], paths->systemctl);
        if (!found)
                return fault_set(fault, FAULT_NO_SUCH_RUNTIME,
                        "No runtime matches class_name '%s'; give one a fitting Match=, set DefaultRuntime=, or name "
                        "one with option 'runtime'",
                        class_name);

        *ret = found;
        return 0;
}

int runtime_pick_client_type(const RuntimeInfo *runtime,
        const char *client_type,
        const Config *config,
        const char **ret,
        bool *ret_fallback,
        Fault *fault)
{
        const char *first = runtime->client_types ? runtime->client_types[0] : NULL;

        *ret_fallback = false;
        if (!client_type) {
                *ret = first ? first : CLIENT_TYPE_DEFAULT;
                return 0;
        }
        if (!first || strv_contains(runtime->client_types, client_type)) {
                *ret = client_type;
                return 0;
        }
        if (config->unknown_client_type == UNKNOWN_CLIENT_TYPE_REJECT)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "client_type '%s' is not one of ClientTypes= of runtime '%s'; the first of these is '%s'",
                        client_type, runtime->name, first);

        *ret_fallback = true;
        *ret = first;
        return 0;
}
