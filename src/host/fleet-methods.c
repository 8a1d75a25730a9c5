/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-methods.h"

#include <string.h>

#include "answer.h"
#include "fault-bus.h"
#include "fleet-list.h"
#include "fleet-run.h"
#include "fleet-stop.h"
#include "log.h"
#include "options.h"
#include "sender-watch.h"
#include "spec.h"
#include "time-util.h"

/* Everybody may ask for lists, and each of them asks all hosts. */
#define LISTS_MAX 32u

/* A call that waits for an operation of the fleet. */
typedef struct FleetCall {
        Host *host;
        GList link; /* of Host.fleet_calls */
        sd_bus_message *call;
        char *agent_id; /* of a run */
        SenderWatch *watch; /* the same */

        /* One of these, until it is over. */
        FleetRun *run;
        FleetStop *stop;
        FleetList *list;
} FleetCall;

static FleetCall *call_new(Host *host, sd_bus_message *m)
{
        FleetCall *c = g_new0(FleetCall, 1);

        *c = (FleetCall){ .host = host, .link = { .data = c }, .call = sd_bus_message_ref(m) };
        g_queue_push_tail_link(&host->fleet_calls, &c->link);
        return c;
}

/* Gives up what is under way. */
static FleetCall *call_free(FleetCall *c)
{
        g_queue_unlink(&c->host->fleet_calls, &c->link);
        fleet_run_free(c->run);
        fleet_stop_free(c->stop);
        fleet_list_free(c->list);
        sender_watch_free(c->watch);
        sd_bus_message_unref(c->call);
        g_free(c->agent_id);
        g_free(c);
        return NULL;
}

static inline void call_freep(FleetCall **c)
{
        call_free(*c);
}
#define _cleanup_call_ _cleanup_(call_freep)

void host_fleet_calls_drop(Host *host)
{
        while (host->fleet_calls.head)
                call_free(host->fleet_calls.head->data);
}

/* -- RunAgent -- */

static void on_run(const char *host_address, const Fault *fault, void *userdata)
{
        _cleanup_call_ FleetCall *c = userdata;

        if (fault)
                (void)fault_reply(fault, c->call);
        else
                (void)bus_answer(c->call, "ss", c->agent_id, host_address);
}

static void on_caller_gone(void *userdata)
{
        FleetCall *c = userdata;

        log_info("Agent %s is not to be run any more: who asked for it has gone", c->agent_id);
        call_free(c);
}

static void begin_run(FleetCall *c, PeerCreate *create, const CreateOptions *options)
{
        int r;

        r = sender_watch_new(c->call, on_caller_gone, c, &c->watch);
        if (r < 0)
                log_debug("It cannot be watched whether a caller leaves: %s", strerror(-r));
        fleet_run(c->host->fleet,
                &(FleetRunRequest){
                        .agent_id = c->agent_id,
                        .create = create,
                        .strategy = options->has_strategy ? options->strategy : c->host->config->strategy,
                        .host = options->host,
                },
                on_run, c, &c->run);
}

static int read_run(
        sd_bus_message *m, PeerCreate *create, CreateOptions *options, AgentSpec *spec, Fault *fault)
{
        const char *agent_spec, *guild_spec, *messaging_config;
        int r;

        r = sd_bus_message_read(m, "sss", &agent_spec, &guild_spec, &messaging_config);
        if (r < 0)
                return r;
        r = create_options_read(m, options, fault);
        if (r >= 0)
                r = agent_spec_parse(agent_spec, spec, fault);
        if (r < 0)
                return r;

        create->agent_spec = g_strdup(agent_spec);
        create->guild_spec = g_strdup(guild_spec);
        create->messaging_config = g_strdup(messaging_config);
        create_options_to_peer(options, create);
        return 0;
}

static int run_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(create_options_done) CreateOptions options = { 0 };
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        _cleanup_peer_create_ PeerCreate create = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        FleetCall *c;
        int r;

        r = read_run(m, &create, &options, &spec, &fault);
        if (r < 0)
                return fault.kind == FAULT_NONE ? r : fault_to_bus_error(&fault, error);

        c = call_new(userdata, m);
        c->agent_id = g_steal_pointer(&spec.id);
        begin_run(c, &create, &options);
        return 1;
}

int host_method_run_agent(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, run_allowed, host, error);
}

/* -- StopAgentAnywhere -- */

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        _cleanup_call_ FleetCall *c = userdata;

        if (fault)
                (void)fault_reply(fault, c->call);
        else
                (void)bus_answer(c->call, "b", stopped);
}

static int stop_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        uint32_t timeout_sec;
        const char *id;
        FleetCall *c;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "su", &id, &timeout_sec);
        if (r < 0)
                return r;

        c = call_new(userdata, m);
        fleet_stop(c->host->fleet, id, timeout_sec * USEC_PER_SEC, on_stopped, c, &c->stop);
        return 1;
}

int host_method_stop_agent_anywhere(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, stop_allowed, host, error);
}

/* -- ListFleetAgents -- */

static int append_agents(sd_bus_message *m, const FleetListed *listed, size_t n)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', FLEET_AGENT_TYPE);
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; r >= 0 && k < listed[i].n_agents; k++) {
                        const PeerAgent *a = &listed[i].agents[k];

                        r = sd_bus_message_append(m, FLEET_AGENT_TYPE, a->agent_id, a->guild_id, a->name,
                                (uint32_t)a->pid, a->is_alive, a->created_usec, a->state, a->object_path,
                                listed[i].host_address);
                }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_missing(sd_bus_message *m, const FleetListed *listed, size_t n)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', FLEET_MISSING_TYPE);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (listed[i].failure)
                        r = sd_bus_message_append(
                                m, FLEET_MISSING_TYPE, listed[i].host_address, listed[i].failure);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_listed(const FleetListed *listed, size_t n, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_call_ FleetCall *c = userdata;
        int r;

        if (fault) {
                (void)fault_reply(fault, c->call);
                return;
        }
        r = sd_bus_message_new_method_return(c->call, &reply);
        if (r >= 0)
                r = append_agents(reply, listed, n);
        if (r >= 0)
                r = append_missing(reply, listed, n);
        if (r >= 0)
                r = bus_send_answer(reply);
        if (r < 0)
                (void)sd_bus_reply_method_errno(c->call, r, NULL);
}

static unsigned count_lists(const Host *host)
{
        unsigned n = 0;

        for (const GList *i = host->fleet_calls.head; i; i = i->next)
                if (((const FleetCall *)i->data)->list)
                        n++;
        return n;
}

int host_method_list_fleet_agents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;
        const char *guild_id;
        FleetCall *c;
        int r;

        r = sd_bus_message_read(m, "s", &guild_id);
        if (r < 0)
                return r;
        if (count_lists(host) >= LISTS_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                        "Too many lists of all hosts are being made; call again when they are answered");

        c = call_new(host, m);
        fleet_list(host->fleet, guild_id, on_listed, c, &c->list);
        return 1;
}
