/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement-methods.h"

#include "answer.h"
#include "fault-bus.h"
#include "fleet-hosts.h"
#include "host.h"
#include "spec.h"
#include "time-util.h"

/* What ListHosts tells of one. */
#define HOST_TYPE "(ssbss)"

static void on_selected(const HostOrder *order, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, "s", order->hosts[0]->address);
}

static int select_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Host *host = userdata;
        const char *text;
        int r;

        r = sd_bus_message_read(m, "s", &text);
        if (r < 0)
                return r;
        if (agent_spec_parse(text, &spec, &fault) < 0)
                return fault_to_bus_error(&fault, error);

        host_select(host->selector, host->config->strategy, on_selected, sd_bus_message_ref(m), NULL);
        return 1;
}

/* It uses a turn, which is why not everybody may. */
int host_method_select_host(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, select_allowed, host, error);
}

static int append_hosts(sd_bus_message *m, const DiscoveryHost *hosts, size_t n)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', HOST_TYPE);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(m, HOST_TYPE, hosts[i].address, hosts[i].ip, hosts[i].ready,
                        hosts[i].zone, hosts[i].node);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int host_method_list_hosts(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const DiscoveryHost *hosts;
        Host *host = userdata;
        size_t n;
        int r;

        if (fleet_hosts(host->discovery, &hosts, &n, &fault) < 0)
                return fault_to_bus_error(&fault, error);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_hosts(reply, hosts, n);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* What GetHostStatuses tells of one: agents, capacity, draining. */
#define STATUS_TYPE "{s(uub)}"

/* Of this host what is so, of another what it has said; false: nothing. */
static bool status_of(
        const Host *host, const DiscoveryHost *which, const DiscoveryHost *self, HostStatus *ret)
{
        if (which != self)
                return host_statuses_find(host->statuses, which->hostname, now_usec(CLOCK_MONOTONIC), ret);
        *ret = (HostStatus){ host->n_active, host->config->max_agents, host->drain.on };
        return true;
}

static int append_statuses(sd_bus_message *m, const Host *host, const DiscoveryHost *hosts, size_t n)
{
        const DiscoveryHost *self =
                fleet_self(host->discovery, host->config->hostname, host->config->address);
        HostStatus status;
        int r;

        r = sd_bus_message_open_container(m, 'a', STATUS_TYPE);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (status_of(host, &hosts[i], self, &status))
                        r = sd_bus_message_append(m, STATUS_TYPE, hosts[i].hostname, status.n_agents,
                                status.capacity, status.draining);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int host_method_get_host_statuses(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const DiscoveryHost *hosts;
        Host *host = userdata;
        size_t n;
        int r;

        if (fleet_hosts(host->discovery, &hosts, &n, &fault) < 0)
                return fault_to_bus_error(&fault, error);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_statuses(reply, host, hosts, n);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_reset(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        (void)answer;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, NULL);
}

static int reset_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        (void)error;

        registry_reset_turn(host->registry, on_reset, sd_bus_message_ref(m), NULL);
        return 1;
}

int host_method_reset_placement_counter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, reset_allowed, host, error);
}
