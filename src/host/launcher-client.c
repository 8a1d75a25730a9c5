/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-client.h"

#include <string.h>

#include "fault-bus.h"
#include "log.h"

#define RECONNECT_USEC (100 * USEC_PER_MSEC)
#define STOP_CALL_LIMIT_USEC (10 * USEC_PER_SEC)

struct LauncherClient {
        sd_event *event;
        const Paths *paths; /* borrowed */
        LauncherHandlers handlers;
        void *userdata;
        sd_bus *bus;
        sd_event_source *reconnect;
        bool connected; /* the handshake is done */
        bool said_down; /* one line for each outage */
        LauncherCall *calls; /* in flight */
};

struct LauncherCall {
        LauncherClient *client;
        LauncherCall *next, **at; /* at: what points to us */
        LauncherCall **holder;
        sd_bus_slot *slot;
        LauncherDone done;
        void *userdata;
};

static int client_connect(LauncherClient *c);

static void call_unlink(LauncherCall *call)
{
        *call->at = call->next;
        if (call->next)
                call->next->at = call->at;
        if (call->holder)
                *call->holder = NULL;
}

LauncherCall *launcher_call_free(LauncherCall *call)
{
        if (!call)
                return NULL;

        call_unlink(call);
        sd_bus_slot_unref(call->slot);
        g_free(call);
        return NULL;
}

static void call_finish(LauncherCall *call, sd_bus_message *reply, const Fault *fault)
{
        LauncherDone done = call->done;
        void *userdata = call->userdata;

        launcher_call_free(call);
        if (done)
                done(reply, fault, userdata);
}

static int on_reconnect(sd_event_source *s, uint64_t usec, void *userdata)
{
        LauncherClient *c = userdata;

        (void)s;
        (void)usec;

        c->reconnect = sd_event_source_disable_unref(c->reconnect);
        return client_connect(c);
}

static int client_schedule_reconnect(LauncherClient *c)
{
        if (c->reconnect)
                return 0;
        return sd_event_add_time_relative(
                c->event, &c->reconnect, CLOCK_MONOTONIC, RECONNECT_USEC, 0, on_reconnect, c);
}

static void client_disconnected(LauncherClient *c)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (!c->bus)
                return;

        c->bus = sd_bus_close_unref(c->bus);
        c->connected = false;
        if (!c->said_down) {
                log_warning(
                        "No connection to agenthost-launcher; nothing can be started or stopped until it is "
                        "back (see '%s status agenthost-launcher.service')",
                        c->paths->systemctl);
                c->said_down = true;
        }

        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "The connection to agenthost-launcher broke; see '%s status agenthost-launcher.service'",
                c->paths->systemctl);
        while (c->calls)
                call_finish(c->calls, NULL, &fault);
        c->handlers.disconnected(c->userdata);
        client_schedule_reconnect(c);
}

/* Unlike a broken connection, a reply can be an error, and a call can run out of time. */
static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherCall *call = userdata;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        (void)ret_error;

        if (!error) {
                call_finish(call, m, NULL);
                return 0;
        }

        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
                sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
                fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher has not answered (%s); see '%s status agenthost-launcher.service'",
                        error->message, call->client->paths->systemctl);
        else
                fault_from_bus_error(&fault, error, FAULT_LAUNCHER_UNAVAILABLE);
        call_finish(call, NULL, &fault);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)m;
        (void)ret_error;

        client_disconnected(userdata);
        return 0;
}

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherClient *c = userdata;

        (void)m;
        (void)ret_error;

        if (c->said_down)
                log_info("Connected to agenthost-launcher again");
        c->connected = true;
        c->said_down = false;
        c->handlers.connected(c->userdata);
        return 0;
}

int launcher_read_end(sd_bus_message *m, AgentEnd *ret)
{
        const char *result, *oom_level;
        int code, status, requested, r;
        CgroupUsage usage;
        uint64_t when;

        r = sd_bus_message_read(m, LAUNCHER_END, &result, &code, &status, &requested, &when, &oom_level,
                &usage.memory_peak, &usage.cpu_nsec);
        if (r < 0)
                return r;

        *ret = (AgentEnd){
                .result = agent_result_intern(result),
                .code = code,
                .status = status,
                .requested = requested,
                .when_usec = when,
                .oom_level = agent_oom_level_intern(oom_level),
                .usage = usage,
        };
        return 0;
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherClient *c = userdata;
        const char *unit;
        AgentEnd end;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, "s", &unit);
        if (r >= 0)
                r = launcher_read_end(m, &end);
        if (r < 0) {
                log_error("Malformed Ended from agenthost-launcher: %s", strerror(-r));
                return 0;
        }

        c->handlers.ended(unit, &end, c->userdata);
        return 0;
}

static int on_launched(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherClient *c = userdata;
        const char *unit;
        uint32_t pid;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, LAUNCHER_LAUNCHED_SIGNATURE, &unit, &pid);
        if (r < 0) {
                log_error("Malformed Launched from agenthost-launcher: %s", strerror(-r));
                return 0;
        }

        c->handlers.launched(unit, (pid_t)pid, c->userdata);
        return 0;
}

static int on_unsupported(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherClient *c = userdata;

        (void)ret_error;

        c->handlers.unsupported(m, c->userdata);
        return 0;
}

#define MATCH(member) "type='signal',interface='" LAUNCHER_INTERFACE "',member='" member "'"
#define MATCH_LOCAL(member) "type='signal',interface='org.freedesktop.DBus.Local',member='" member "'"

static int client_try_connect(LauncherClient *c)
{
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;

        c->bus = bus;
        r = sd_bus_set_address(bus, c->paths->launcher_address);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, 1);
        if (r >= 0)
                r = sd_bus_set_connected_signal(bus, 1);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_ENDED), on_ended, c);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_LAUNCHED), on_launched, c);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_UNSUPPORTED), on_unsupported, c);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH_LOCAL("Connected"), on_connected, c);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH_LOCAL("Disconnected"), on_disconnected, c);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, c->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

static int client_connect(LauncherClient *c)
{
        int r = client_try_connect(c);

        if (r >= 0)
                return 0;

        log_debug(
                "Cannot connect to agenthost-launcher at %s: %s", c->paths->launcher_address, strerror(-r));
        if (c->bus)
                client_disconnected(c);
        else
                client_schedule_reconnect(c);
        return 0;
}

LauncherClient *launcher_client_new(
        sd_event *event, const Paths *paths, const LauncherHandlers *handlers, void *userdata)
{
        LauncherClient *c = g_new0(LauncherClient, 1);

        *c = (LauncherClient){
                .event = sd_event_ref(event),
                .paths = paths,
                .handlers = *handlers,
                .userdata = userdata,
        };
        client_connect(c);
        return c;
}

LauncherClient *launcher_client_free(LauncherClient *c)
{
        if (!c)
                return NULL;

        while (c->calls)
                launcher_call_free(c->calls);
        sd_event_source_disable_unref(c->reconnect);
        sd_bus_close_unref(c->bus);
        sd_event_unref(c->event);
        g_free(c);
        return NULL;
}

bool launcher_client_is_connected(const LauncherClient *c)
{
        return c->connected;
}

int launcher_client_message(LauncherClient *c, const char *member, sd_bus_message **ret)
{
        if (!c->connected)
                return -ENOTCONN;
        return sd_bus_message_new_method_call(c->bus, ret, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, member);
}

int launcher_client_call(LauncherClient *c,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault)
{
        LauncherCall *call;
        int r = -ENOTCONN;

        call = g_new0(LauncherCall, 1);
        *call = (LauncherCall){ .client = c, .done = done, .userdata = userdata };
        if (c->connected)
                r = sd_bus_call_async(c->bus, &call->slot, m, on_reply, call, limit_usec);
        if (r < 0) {
                g_free(call);
                return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher cannot be reached (%s); see '%s status agenthost-launcher.service'",
                        strerror(-r), c->paths->systemctl);
        }

        call->next = c->calls;
        call->at = &c->calls;
        if (call->next)
                call->next->at = &call->next;
        c->calls = call;
        if (ret_call) {
                call->holder = ret_call;
                *ret_call = call;
        }
        return 0;
}

void launcher_client_acknowledge(LauncherClient *c, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* What is not acknowledged now comes again in the next List. */
        r = launcher_client_message(c, LAUNCHER_ACKNOWLEDGE, &m);
        if (r == -ENOTCONN)
                return;
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, 0);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_ACKNOWLEDGE_IN, 1, unit);
        if (r >= 0)
                r = sd_bus_send(c->bus, m, NULL);
        if (r < 0)
                log_warning("Cannot acknowledge the end of %s: %s", unit, strerror(-r));
}

static void on_stopped(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        g_autofree char *unit = userdata;

        (void)reply;

        if (fault)
                log_warning("Stopping %s was refused: %s", unit, fault_text(fault));
}

int launcher_client_stop(LauncherClient *c, const char *unit, uint64_t timeout_usec, Fault *fault)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char *copy;
        int r;

        r = launcher_client_message(c, LAUNCHER_STOP, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_STOP_IN, unit, timeout_usec);
        if (r < 0)
                return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher cannot be reached (%s); see '%s status agenthost-launcher.service'",
                        strerror(-r), c->paths->systemctl);

        copy = g_strdup(unit);
        r = launcher_client_call(c, m, STOP_CALL_LIMIT_USEC, on_stopped, copy, NULL, fault);
        if (r < 0)
                g_free(copy);
        return r;
}

void launcher_client_extend(LauncherClient *c, const char *unit, uint64_t timeout_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* After a reconnect the stop is asked for again, with what is left of its time. */
        r = launcher_client_message(c, LAUNCHER_EXTEND, &m);
        if (r == -ENOTCONN)
                return;
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, 0);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_EXTEND_IN, unit, timeout_usec);
        if (r >= 0)
                r = sd_bus_send(c->bus, m, NULL);
        if (r < 0)
                log_warning("Cannot extend the time to stop of %s: %s", unit, strerror(-r));
}
