/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-methods.h"

#include "agent-freeze.h"
#include "agent-restart.h"
#include "answer.h"
#include "fault-bus.h"
#include "proto/names.h"

/* By the call's path: the agent may have gone while the bus was asked who calls. */
static int read_id(sd_bus_message *m, char **ret)
{
        int r = sd_bus_path_decode(sd_bus_message_get_path(m), AGENT_PATH_PREFIX, ret);

        return r == 0 ? -ENXIO : r;
}

/* To the call that userdata is; its reference is released. */
static void answer(const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, NULL);
}

static void on_restarted(Agent *a, const Fault *fault, void *userdata)
{
        (void)a;

        answer(fault, userdata);
}

static int restart_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *id = NULL;
        int r;

        r = read_id(m, &id);
        if (r < 0)
                return r;

        sd_bus_message_ref(m);
        r = host_restart_agent(userdata, id, on_restarted, m, &fault);
        if (r < 0) {
                sd_bus_message_unref(m);
                return fault_to_bus_error(&fault, error);
        }
        return 1;
}

int agent_method_restart(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const Agent *a = userdata;

        return access_require(a->host->access, m, restart_allowed, a->host, error);
}

static int freeze_or_thaw(sd_bus_message *m, Host *host, bool freeze, sd_bus_error *error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *id = NULL;
        Agent *a;
        int r;

        r = read_id(m, &id);
        if (r < 0)
                return r;

        sd_bus_message_ref(m);
        r = host_find_or_fault(host, id, &a, &fault);
        if (r >= 0)
                r = agent_freeze(a, freeze, answer, m, &fault);
        if (r < 0) {
                sd_bus_message_unref(m);
                return fault_to_bus_error(&fault, error);
        }
        return 1;
}

static int freeze_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return freeze_or_thaw(m, userdata, true, error);
}

static int thaw_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return freeze_or_thaw(m, userdata, false, error);
}

int agent_method_freeze(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const Agent *a = userdata;

        return access_require(a->host->access, m, freeze_allowed, a->host, error);
}

int agent_method_thaw(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const Agent *a = userdata;

        return access_require(a->host->access, m, thaw_allowed, a->host, error);
}
