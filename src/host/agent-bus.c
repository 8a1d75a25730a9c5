/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-bus.h"

#include <string.h>

#include "agent-methods.h"
#include "agent-stop.h"
#include "agent-usage.h"
#include "answer.h"
#include "fault-bus.h"
#include "log.h"
#include "property-getter.h"
#include "proto/names.h"

/* userdata of every handler here is the Agent that find_agent() found. */

static int find_agent(sd_bus *bus,
        const char *path,
        const char *interface,
        void *userdata,
        void **ret,
        sd_bus_error *error)
{
        _cleanup_free_ char *id = NULL;
        Host *host = userdata;
        Agent *a;
        int r;

        (void)bus;
        (void)interface;
        (void)error;

        r = sd_bus_path_decode(path, AGENT_PATH_PREFIX, &id);
        if (r <= 0)
                return r;
        a = host_find(host, id);
        if (!a)
                return 0;

        *ret = a;
        return 1;
}

static int enumerate_agents(
        sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
        Host *host = userdata;
        GHashTableIter i;
        gpointer value;
        char **paths;
        size_t n = 0;

        (void)bus;
        (void)prefix;
        (void)error;

        paths = calloc(g_hash_table_size(host->agents) + 1, sizeof(char *));
        if (!paths)
                return -ENOMEM;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Agent *a = value;

                if (!a->announced)
                        continue;
                paths[n] = strdup(a->path);
                if (!paths[n++])
                        g_error("Out of memory");
        }

        *ret = paths;
        return 0;
}

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

        (void)stopped;

        if (fault)
                (void)fault_reply(fault, call);
        else
                (void)bus_answer(call, NULL);
}

static int stop_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_free_ char *id = NULL;
        Host *host = userdata;
        uint32_t timeout_sec;
        int r;

        r = sd_bus_message_read(m, "u", &timeout_sec);
        if (r < 0)
                return r;
        /* The agent may have gone while the bus was asked who calls. */
        r = sd_bus_path_decode(sd_bus_message_get_path(m), AGENT_PATH_PREFIX, &id);
        if (r <= 0)
                return r < 0 ? r : -ENXIO;

        (void)error;
        host_stop_agent(host, id, timeout_sec * USEC_PER_SEC, on_stopped, sd_bus_message_ref(m));
        return 1;
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Agent *a = userdata;

        return access_require(a->host->access, m, stop_allowed, a->host, error);
}

static void on_killed(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        (void)reply;

        on_stopped(true, fault, userdata);
}

static int kill_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *id = NULL;
        Host *host = userdata;
        const char *who;
        int signal_number, r;
        Agent *a;

        r = sd_bus_message_read(m, "si", &who, &signal_number);
        if (r < 0)
                return r;
        r = sd_bus_path_decode(sd_bus_message_get_path(m), AGENT_PATH_PREFIX, &id);
        if (r <= 0)
                return r < 0 ? r : -ENXIO;

        if (host_find_or_fault(host, id, &a, &fault) < 0)
                return fault_to_bus_error(&fault, error);
        r = agent_kill(a, who, signal_number, on_killed, m, &fault);
        if (r < 0)
                return fault_to_bus_error(&fault, error);
        sd_bus_message_ref(m); /* the callback's */
        return 1;
}

static int method_kill(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Agent *a = userdata;

        return access_require(a->host->access, m, kill_allowed, a->host, error);
}

#define GETTER(name, expression) PROPERTY_GETTER(name, const Agent *a, expression)

GETTER(guild_id, sd_bus_message_append(reply, "s", a->guild->guild_id))
GETTER(state, sd_bus_message_append(reply, "s", agent_state_name(a->state)))
GETTER(location, sd_bus_message_append(reply, "s", location_state_name(a->location)))
GETTER(host_address, sd_bus_message_append(reply, "s", a->host->config->address))
GETTER(main_pid, sd_bus_message_append(reply, "u", agent_has_ended(a) ? 0 : (uint32_t)a->pid))
GETTER(memory_peak, sd_bus_message_append(reply, "t", agent_memory_peak(a)))
GETTER(cpu_nsec, sd_bus_message_append(reply, "t", agent_cpu_nsec(a)))
GETTER(alive, sd_bus_message_append(reply, "b", agent_is_alive(a)))

#define TEXT(name, field, flags) SD_BUS_PROPERTY(name, "s", NULL, offsetof(Agent, field), flags)
#define TIME(name, field, flags) SD_BUS_PROPERTY(name, "t", NULL, offsetof(Agent, field), flags)
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Stop",
                SD_BUS_ARGS("u", timeout_sec),
                SD_BUS_NO_RESULT,
                method_stop,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Kill",
                SD_BUS_ARGS("s", who, "i", signal),
                SD_BUS_NO_RESULT,
                method_kill,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Restart", "", "", agent_method_restart, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Freeze", "", "", agent_method_freeze, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Thaw", "", "", agent_method_thaw, SD_BUS_VTABLE_UNPRIVILEGED),
        TEXT("Id", id, CONST),
        SD_BUS_PROPERTY("GuildId", "s", get_guild_id, 0, CONST),
        TEXT("Name", name, CONST),
        TEXT("ClassName", class_name, CONST),
        TEXT("Runtime", runtime, CONST),
        TEXT("Unit", unit, CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, CHANGES),
        TEXT("Result", result, CHANGES),
        TEXT("OOMLevel", oom_level, CHANGES),
        TEXT("StatusText", status_text, CHANGES),
        SD_BUS_PROPERTY("HostAddress", "s", get_host_address, 0, 0),
        SD_BUS_PROPERTY("Location", "s", get_location, 0, CHANGES),
        SD_BUS_PROPERTY("MainPID", "u", get_main_pid, 0, CHANGES),
        SD_BUS_PROPERTY("Alive", "b", get_alive, 0, CHANGES),
        SD_BUS_PROPERTY("ExitStatus", "i", NULL, offsetof(Agent, exit_status), CHANGES),
        SD_BUS_PROPERTY("Restarts", "u", NULL, offsetof(Agent, n_restarts), CHANGES),
        TIME("CreatedAt", created_at_usec, CONST),
        TIME("ReadyAt", ready_at_usec, CHANGES),
        TIME("ExitedAt", exited_at_usec, CHANGES),
        TIME("NextStartAt", next_start_at_usec, CHANGES),
        SD_BUS_PROPERTY("MemoryPeak", "t", get_memory_peak, 0, 0),
        SD_BUS_PROPERTY("CPUUsageNSec", "t", get_cpu_nsec, 0, 0),
        SD_BUS_VTABLE_END,
};

int agent_bus_register(Host *host)
{
        int r;

        r = sd_bus_add_fallback_vtable(
                host->bus, NULL, AGENT_PATH_PREFIX, AGENT_INTERFACE, agent_vtable, find_agent, host);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(host->bus, NULL, AGENT_PATH_PREFIX, enumerate_agents, host);
}

void agent_bus_changed(Agent *a, AgentChanged what)
{
        static const char *const properties[][10] = {
                [AGENT_CHANGED_STATE] = { "State" },
                [AGENT_CHANGED_STATUS] = { "StatusText" },
                [AGENT_CHANGED_READY] = { "State", "ReadyAt" },
                [AGENT_CHANGED_ENDED] = { "State", "Result", "OOMLevel", "ExitStatus", "ExitedAt", "MainPID",
                        "Alive", "NextStartAt" },
                [AGENT_CHANGED_RESTARTING] = { "Result", "OOMLevel", "ExitStatus", "StatusText", "Restarts",
                        "NextStartAt" },
                [AGENT_CHANGED_LAUNCHED] = { "State", "Result", "OOMLevel", "ExitStatus", "MainPID", "Alive",
                        "ReadyAt", "ExitedAt", "NextStartAt" },
                [AGENT_CHANGED_LOCATION] = { NULL },
        };
        char *names[ELEMENTSOF(properties[0]) + 2] = { NULL };
        size_t n = 0;
        int r;

        if (!a->announced)
                return;

        for (; n < ELEMENTSOF(properties[0]) && properties[what][n]; n++)
                names[n] = (char *)properties[what][n];
        if (a->location != a->location_told)
                names[n++] = (char *)"Location";
        if (n == 0)
                return;

        a->location_told = a->location;
        r = sd_bus_emit_properties_changed_strv(a->host->bus, a->path, AGENT_INTERFACE, names);
        if (bus_check_sent(a->host->bus, r) < 0)
                log_debug("PropertiesChanged of %s not sent: %s", a->path, strerror(-r));
}
