/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-call.h"

#include "proto/names.h"

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

static int append_options(
        sd_bus_message *m, const Options *o, const RunSpec *s, const char *client_properties, bool placed)
{
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
                r = append_text(m, "client_properties", client_properties);
        if (r >= 0 && o->has_machine_id)
                r = sd_bus_message_append(m, "{sv}", "machine_id", "i", (int32_t)o->machine_id);
        if (r >= 0 && o->takeover)
                r = sd_bus_message_append(m, "{sv}", "takeover", "b", 1);
        if (r >= 0 && o->reschedule)
                r = sd_bus_message_append(m, "{sv}", "reschedule", "b", 1);
        if (r >= 0 && o->timeout_usec > 0)
                r = sd_bus_message_append(m, "{sv}", "timeout", "t", o->timeout_usec);
        if (r >= 0 && placed)
                r = append_text(m, "host", o->host);
        if (r >= 0 && placed)
                r = append_text(m, "strategy", o->strategy);
        if (r >= 0)
                r = append_environment(m, o->environment);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_call_new(
        Ctl *ctl, const RunSpec *s, const char *client_properties, bool placed, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                ctl->bus, &m, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, placed ? "RunAgent" : "CreateAgent");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", s->agent, s->guild, s->messaging);
        if (r >= 0)
                r = append_options(m, ctl->options, s, client_properties, placed);
        if (r >= 0)
                *ret = steal_ptr(m);
        return r;
}
