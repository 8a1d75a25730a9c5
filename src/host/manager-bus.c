/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-bus.h"

#include <string.h>

#include "agent-end.h"
#include "agent-start.h"
#include "agent-stop.h"
#include "answer.h"
#include "drain-methods.h"
#include "fault-bus.h"
#include "fleet-methods.h"
#include "host-discovery.h"
#include "local-calls.h"
#include "log.h"
#include "placement-methods.h"
#include "property-getter.h"
#include "proto/names.h"
#include "registry-methods.h"
#include "runtime-methods.h"
#include "strv.h"

/* Our own account of one agent, in GetAgentInfo and ListAgents. */
#define INFO_TYPE "(sssubtso)"

static int append_info(sd_bus_message *m, const PeerAgent *a)
{
        return sd_bus_message_append(m, INFO_TYPE, a->agent_id, a->guild_id, a->name, (uint32_t)a->pid,
                a->is_alive, a->created_usec, a->state, a->object_path);
}

static void on_created(Agent *a, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, "suo", a->id, (uint32_t)a->pid, a->path);
}

static int create_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(create_options_done) CreateOptions options = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        CreateRequest request = { .options = &options };
        Host *host = userdata;
        int r;

        r = sd_bus_message_read(
                m, "sss", &request.agent_spec, &request.guild_spec, &request.messaging_config);
        if (r < 0)
                return r;
        r = create_options_read(m, &options, &fault);
        if (r >= 0 && options.host)
                r = fault_set(&fault, FAULT_INVALID_ARGS,
                        "Option 'host' is for RunAgent: CreateAgent starts agents on this host");
        if (r < 0)
                return fault_to_bus_error(&fault, error);

        sd_bus_message_ref(m);
        r = host_create_agent(host, &request, on_created, m, &fault);
        if (r < 0) {
                sd_bus_message_unref(m);
                return fault_to_bus_error(&fault, error);
        }
        return 1;
}

static int method_create_agent(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, create_allowed, host, error);
}

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, "b", stopped);
}

static int stop_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        uint32_t timeout_sec;
        const char *id;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "su", &id, &timeout_sec);
        if (r < 0)
                return r;

        host_stop_agent(userdata, id, timeout_sec * USEC_PER_SEC, on_stopped, sd_bus_message_ref(m));
        return 1;
}

static int method_stop_agent(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, stop_allowed, host, error);
}

/* Reads the one argument, an id, of the methods that fail for an unknown one. */
static int read_agent(sd_bus_message *m, Host *host, Agent **ret, sd_bus_error *error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *id;
        int r;

        r = sd_bus_message_read(m, "s", &id);
        if (r < 0)
                return r;
        if (host_find_or_fault(host, id, ret, &fault) < 0)
                return fault_to_bus_error(&fault, error);
        return 0;
}

static int method_get_agent_info(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        PeerAgent info;
        Agent *a;
        int r;

        r = read_agent(m, userdata, &a, error);
        if (r < 0)
                return r;
        info = local_describe(a);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_info(reply, &info);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_list_agents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        g_autofree PeerAgent *agents = NULL;
        const char *guild_id;
        size_t n;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "s", &guild_id);
        if (r < 0)
                return r;
        agents = local_list(userdata, guild_id, &n);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', INFO_TYPE);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_info(reply, &agents[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_get_agent(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Agent *a;
        int r;

        r = read_agent(m, userdata, &a, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, "o", a->path);
}

static int get_spec_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Agent *a;
        int r;

        r = read_agent(m, userdata, &a, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, "s", a->texts[AGENT_TEXT_SPEC]);
}

static int method_get_agent_spec(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, get_spec_allowed, host, error);
}

static int method_health(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        (void)error;
        return sd_bus_reply_method_return(
                m, "bus", local_is_healthy(host), host->n_active, host->config->hostname);
}

static void on_shut_down(unsigned n_stopped, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, "u", n_stopped);
}

static int shutdown_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        uint32_t timeout_sec;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "u", &timeout_sec);
        if (r < 0)
                return r;

        host_shutdown_agents(userdata, timeout_sec * USEC_PER_SEC, on_shut_down, sd_bus_message_ref(m));
        return 1;
}

static int method_shutdown_agents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, shutdown_allowed, host, error);
}

#define GETTER(name, expression) PROPERTY_GETTER(name, const Host *host, expression)

GETTER(hostname, sd_bus_message_append(reply, "s", host->config->hostname))
GETTER(address, sd_bus_message_append(reply, "s", host->config->address))
GETTER(version, sd_bus_message_append(reply, "s", AGENTHOST_VERSION))
GETTER(max_agents, sd_bus_message_append(reply, "u", host->config->max_agents))
GETTER(registry_state,
        sd_bus_message_append(reply, "s", registry_state_name(registry_state(host->registry))))
GETTER(draining, sd_bus_message_append(reply, "b", host->drain.on))
GETTER(host_count, sd_bus_message_append(reply, "u", host_discovery_count(host)))
GETTER(discovery_state,
        sd_bus_message_append(reply, "s", discovery_state_name(discovery_state(host->discovery, NULL))))
GETTER(placement_counter,
        sd_bus_message_append(reply, "s", placement_counter_name(host_selector_counter(host->selector))))
GETTER(unsupported, sd_bus_message_append_strv(reply, host->unsupported))

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
/* Who may call is for access.c to say. */
#define ANYBODY SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("CreateAgent",
                SD_BUS_ARGS("s", agent_spec, "s", guild_spec, "s", messaging_config, "a{sv}", options),
                SD_BUS_RESULT("s", agent_id, "u", pid, "o", agent),
                method_create_agent,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("StopAgent",
                SD_BUS_ARGS("s", agent_id, "u", timeout_sec),
                SD_BUS_RESULT("b", stopped),
                method_stop_agent,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetAgentInfo",
                SD_BUS_ARGS("s", agent_id),
                SD_BUS_RESULT(INFO_TYPE, info),
                method_get_agent_info,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ListAgents",
                SD_BUS_ARGS("s", guild_id),
                SD_BUS_RESULT("a" INFO_TYPE, agents),
                method_list_agents,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetAgent",
                SD_BUS_ARGS("s", agent_id),
                SD_BUS_RESULT("o", agent),
                method_get_agent,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetAgentSpec",
                SD_BUS_ARGS("s", agent_id),
                SD_BUS_RESULT("s", agent_spec),
                method_get_agent_spec,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Health",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("b", healthy, "u", agent_count, "s", hostname),
                method_health,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("IsAgentRunning",
                SD_BUS_ARGS("s", agent_id),
                SD_BUS_RESULT("b", running),
                host_method_is_agent_running,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetLocation",
                SD_BUS_ARGS("s", agent_id),
                SD_BUS_RESULT("s", host_address),
                host_method_get_location,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetHostLoad",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("a{su}", load),
                host_method_get_host_load,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetHostAgents",
                SD_BUS_ARGS("s", hostname),
                SD_BUS_RESULT("as", agent_ids),
                host_method_get_host_agents,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("CleanupDeadAgents",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("as", agent_ids),
                host_method_cleanup_dead_agents,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("RunAgent",
                SD_BUS_ARGS("s", agent_spec, "s", guild_spec, "s", messaging_config, "a{sv}", options),
                SD_BUS_RESULT("s", agent_id, "s", host_address),
                host_method_run_agent,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("StopAgentAnywhere",
                SD_BUS_ARGS("s", agent_id, "u", timeout_sec),
                SD_BUS_RESULT("b", stopped),
                host_method_stop_agent_anywhere,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ListFleetAgents",
                SD_BUS_ARGS("s", guild_id),
                SD_BUS_RESULT("a" FLEET_AGENT_TYPE, agents, "a" FLEET_MISSING_TYPE, missing),
                host_method_list_fleet_agents,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("SelectHost",
                SD_BUS_ARGS("s", agent_spec),
                SD_BUS_RESULT("s", host_address),
                host_method_select_host,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ListHosts",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("a(ssbss)", hosts),
                host_method_list_hosts,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("GetHostStatuses",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("a{s(uub)}", statuses),
                host_method_get_host_statuses,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ResetPlacementCounter",
                SD_BUS_NO_ARGS,
                SD_BUS_NO_RESULT,
                host_method_reset_placement_counter,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ListRuntimes",
                SD_BUS_NO_ARGS,
                SD_BUS_RESULT("a(sa{sv})", runtimes, "u", refused),
                host_method_list_runtimes,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ShutdownAgents",
                SD_BUS_ARGS("u", timeout_sec),
                SD_BUS_RESULT("u", stopped),
                method_shutdown_agents,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Drain",
                SD_BUS_ARGS("b", stop_agents, "u", timeout_sec),
                SD_BUS_RESULT("u", stopped),
                host_method_drain,
                ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, host_method_resume, ANYBODY),
        SD_BUS_SIGNAL_WITH_ARGS("AgentAdded", SD_BUS_ARGS("s", id, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS(
                "AgentExited", SD_BUS_ARGS("s", id, "o", path, "s", result, "i", exit_status), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AgentRemoved", SD_BUS_ARGS("s", id, "o", path), 0),
        SD_BUS_PROPERTY("Hostname", "s", get_hostname, 0, CHANGES),
        SD_BUS_PROPERTY("Address", "s", get_address, 0, CHANGES),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("AgentCount", "u", NULL, offsetof(Host, n_active), CHANGES),
        SD_BUS_PROPERTY("MaxAgents", "u", get_max_agents, 0, CHANGES),
        SD_BUS_PROPERTY("Draining", "b", get_draining, 0, CHANGES),
        SD_BUS_PROPERTY("HostCount", "u", get_host_count, 0, CHANGES),
        SD_BUS_PROPERTY("RegistryState", "s", get_registry_state, 0, CHANGES),
        SD_BUS_PROPERTY("DiscoveryState", "s", get_discovery_state, 0, CHANGES),
        SD_BUS_PROPERTY("PlacementCounter", "s", get_placement_counter, 0, CHANGES),
        SD_BUS_PROPERTY("UnsupportedProperties", "as", get_unsupported, 0, CHANGES),
        SD_BUS_VTABLE_END,
};

int manager_bus_register(Host *host)
{
        int r;

        r = sd_bus_add_object_manager(host->bus, NULL, HOST_PATH);
        if (r < 0)
                return r;
        return sd_bus_add_object_vtable(host->bus, NULL, HOST_PATH, MANAGER_INTERFACE, manager_vtable, host);
}

static void not_sent(const char *what, const Agent *a, int r)
{
        if (bus_check_sent(a->host->bus, r) < 0)
                log_debug("%s for %s not sent: %s", what, a->path, strerror(-r));
}

void manager_bus_added(Host *host, Agent *a)
{
        if (a->announced)
                return;

        a->location_told = a->location;
        not_sent("InterfacesAdded", a, sd_bus_emit_object_added(host->bus, a->path));
        not_sent("AgentAdded", a,
                sd_bus_emit_signal(
                        host->bus, HOST_PATH, MANAGER_INTERFACE, "AgentAdded", "so", a->id, a->path));
        a->announced = true;
}

void manager_bus_exited(Host *host, const Agent *a)
{
        if (a->announced)
                not_sent("AgentExited", a,
                        sd_bus_emit_signal(host->bus, HOST_PATH, MANAGER_INTERFACE, "AgentExited", "sosi",
                                a->id, a->path, a->result, a->exit_status));
}

void manager_bus_removed(Host *host, const Agent *a)
{
        if (!a->announced)
                return;

        not_sent("AgentRemoved", a,
                sd_bus_emit_signal(
                        host->bus, HOST_PATH, MANAGER_INTERFACE, "AgentRemoved", "so", a->id, a->path));
        not_sent("InterfacesRemoved", a, sd_bus_emit_object_removed(host->bus, a->path));
}

void manager_bus_count_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(host->bus, HOST_PATH, MANAGER_INTERFACE, "AgentCount", NULL);
}

void manager_bus_draining_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(host->bus, HOST_PATH, MANAGER_INTERFACE, "Draining", NULL);
}

void manager_bus_registry_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(host->bus, HOST_PATH, MANAGER_INTERFACE, "RegistryState", NULL);
}

void manager_bus_hosts_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(
                host->bus, HOST_PATH, MANAGER_INTERFACE, "HostCount", "DiscoveryState", NULL);
}

void manager_bus_counter_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(
                host->bus, HOST_PATH, MANAGER_INTERFACE, "PlacementCounter", NULL);
}

void manager_bus_unsupported_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(
                host->bus, HOST_PATH, MANAGER_INTERFACE, "UnsupportedProperties", NULL);
}

void manager_bus_config_changed(Host *host)
{
        (void)sd_bus_emit_properties_changed(
                host->bus, HOST_PATH, MANAGER_INTERFACE, "Hostname", "Address", "MaxAgents", NULL);
}
