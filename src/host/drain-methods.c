/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain-methods.h"

#include "answer.h"
#include "drain.h"
#include "fault-bus.h"

static void on_drained(unsigned n_stopped, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, "u", n_stopped);
}

static int drain_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        uint32_t timeout_sec;
        int stop_agents, r;

        (void)error;

        r = sd_bus_message_read(m, "bu", &stop_agents, &timeout_sec);
        if (r < 0)
                return r;

        host_drain(userdata, stop_agents, timeout_sec * USEC_PER_SEC, on_drained, sd_bus_message_ref(m));
        return 1;
}

int host_method_drain(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, drain_allowed, host, error);
}

static int resume_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        (void)error;

        host_resume(userdata);
        return sd_bus_reply_method_return(m, NULL);
}

int host_method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, resume_allowed, host, error);
}
