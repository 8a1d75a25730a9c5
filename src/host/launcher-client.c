/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-client.h"

#include <string.h>

#include "answer.h"
#include "fault-bus.h"
#include "log-host.h"
#include "log.h"

#define RECONNECT_USEC (100 * USEC_PER_MSEC)
#define STOP_CALL_LIMIT_USEC (10 * USEC_PER_SEC)

/* How long calls are held: longer than the launcher takes to execute itself again, shorter than those wait
 * who have called us. */
#define AWAY_LIMIT_USEC (15 * USEC_PER_SEC)

struct LauncherClient {
        sd_event *event;
        const Paths *paths; /* borrowed */
        LauncherHandlers handlers;
        void *userdata;
        sd_bus *bus; /* closed: the last one, as messages are made on one */
        sd_event_source *reconnect;
        sd_event_source *away_timer;
        bool open; /* until the bus says that it is not, or we close it */
        bool connected; /* the handshake is done */
        bool serving; /* and both sides have been brought together */
        bool reloading; /* the launcher has said that it executes itself again */
        bool away; /* for too long */
        bool said_down; /* one line for each outage */
        LauncherCall *calls; /* in flight, or held */
};

struct LauncherCall {
        LauncherClient *client;
        LauncherCall *next, **at; /* at: what points to us */
        LauncherCall **holder;
        sd_bus_message *m;
        sd_bus_slot *slot; /* NULL: held */
        uint64_t limit_usec;
        bool sealed; /* m has been sent, or held: from here on copies of it are sent */
        bool in_doubt;
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
        sd_bus_message_unref(call->m);
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

bool launcher_call_is_in_doubt(const LauncherCall *call)
{
        return call->in_doubt;
}

static LauncherCall *find_call(const LauncherClient *c, bool held)
{
        LauncherCall *call = c->calls;

        while (call && (call->slot == NULL) != held)
                call = call->next;
        return call;
}

static int on_away(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        LauncherClient *c = userdata;
        LauncherCall *call;

        (void)s;
        (void)usec;

        c->away_timer = sd_event_source_disable_unref(c->away_timer);
        c->away = true;
        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "agenthost-launcher has been away for too long; see '%s status agenthost-launcher.service'",
                c->paths->systemctl);
        while ((call = find_call(c, true)))
                call_finish(call, NULL, &fault);
        return 0;
}

static void arm_away_timer(LauncherClient *c)
{
        if (!c->away_timer && !c->away &&
                sd_event_add_time_relative(
                        c->event, &c->away_timer, CLOCK_MONOTONIC, AWAY_LIMIT_USEC, 0, on_away, c) < 0)
                g_error("Cannot arm a timer");
}

static void hold(LauncherCall *call, bool in_doubt)
{
        call->slot = sd_bus_slot_unref(call->slot);
        call->in_doubt = in_doubt;
}

static int client_schedule_reconnect(LauncherClient *c)
{
        if (c->reconnect)
                return 0;
        return sd_event_add_time_relative(
                c->event, &c->reconnect, CLOCK_MONOTONIC, RECONNECT_USEC, 0, on_reconnect, c);
}

/* One that it has announced is none to be told of. */
static void say_down(LauncherClient *c)
{
        if (c->said_down || c->reloading)
                return;

        log_event(LOG_WARNING, MESSAGE_LAUNCHER_AWAY,
                "No connection to agenthost-launcher; nothing can be started or stopped until it is back "
                "(see '%s status agenthost-launcher.service')",
                c->paths->systemctl);
        c->said_down = true;
}

static void client_disconnected(LauncherClient *c)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        bool was_connected = c->connected;
        LauncherCall *call;

        if (!c->open)
                return;

        c->open = false;
        sd_bus_close(c->bus);
        say_down(c);
        arm_away_timer(c);
        c->connected = c->serving = false;

        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "The connection to agenthost-launcher broke; see '%s status agenthost-launcher.service'",
                c->paths->systemctl);
        while ((call = find_call(c, false)))
                if (c->reloading)
                        hold(call, true);
                else
                        call_finish(call, NULL, &fault);
        c->reloading = false;
        c->handlers.disconnected(c->userdata);

        /* The socket is there also while nobody serves it, usually. */
        if (was_connected)
                client_connect(c);
        else
                client_schedule_reconnect(c);
}

/* Everything is answered: the launcher waits for us to go. */
static void close_if_done(LauncherClient *c)
{
        if (c->reloading && !find_call(c, false))
                client_disconnected(c);
}

static int on_reloading(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherClient *c = userdata;

        (void)m;
        (void)ret_error;

        log_info("agenthost-launcher executes itself again");
        c->reloading = true;
        c->serving = false;
        arm_away_timer(c);
        /* What was being brought together is begun anew. */
        c->handlers.disconnected(c->userdata);
        close_if_done(c);
        return 0;
}

/* Whether it was not done, and may be asked for again. */
static bool is_refused_for_now(const LauncherClient *c, const sd_bus_error *error)
{
        return sd_bus_error_has_name(error, LAUNCHER_ERROR_RELOADING) ||
                (c->reloading && sd_bus_is_open(c->bus) <= 0);
}

/* Unlike a broken connection, a reply can be an error, and a call can run out of time. */
static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        LauncherCall *call = userdata;
        LauncherClient *c = call->client;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        (void)ret_error;

        if (!error) {
                call_finish(call, m, NULL);
                close_if_done(c);
                return 0;
        }
        if (is_refused_for_now(c, error)) {
                hold(call, sd_bus_is_open(c->bus) <= 0);
                close_if_done(c);
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
        close_if_done(c);
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

        sd_bus_unref(c->bus);
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
                r = sd_bus_add_match(bus, NULL, MATCH(LAUNCHER_RELOADING), on_reloading, c);
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

        if (r >= 0) {
                c->open = true;
                return 0;
        }

        log_debug(
                "Cannot connect to agenthost-launcher at %s: %s", c->paths->launcher_address, strerror(-r));
        if (c->bus)
                sd_bus_close(c->bus);
        say_down(c);
        return client_schedule_reconnect(c);
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
        arm_away_timer(c);
        client_connect(c);
        return c;
}

/* What is kept elsewhere is its keeper's; all others are waited for by somebody who does not know us. */
static void end_calls(LauncherClient *c)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "agenthostd is stopping; whether agenthost-launcher has done it is not known");
        while (c->calls)
                if (c->calls->holder)
                        launcher_call_free(c->calls);
                else
                        call_finish(c->calls, NULL, &fault);
}

LauncherClient *launcher_client_free(LauncherClient *c)
{
        if (!c)
                return NULL;

        end_calls(c);
        sd_event_source_disable_unref(c->reconnect);
        sd_event_source_disable_unref(c->away_timer);
        sd_bus_close_unref(c->bus);
        sd_event_unref(c->event);
        g_free(c);
        return NULL;
}

bool launcher_client_is_connected(const LauncherClient *c)
{
        return c->connected;
}

bool launcher_client_is_usable(const LauncherClient *c)
{
        return c->serving || !c->away;
}

int launcher_client_message(LauncherClient *c, const char *member, sd_bus_message **ret)
{
        if (!c->bus || (!c->connected && !launcher_client_is_usable(c)))
                return -ENOTCONN;
        return sd_bus_message_new_method_call(c->bus, ret, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, member);
}

static int copy_call(LauncherClient *c, LauncherCall *call, sd_bus_message **ret)
{
        int r;

        if (!call->sealed) {
                *ret = sd_bus_message_ref(call->m);
                return 0;
        }

        r = launcher_client_message(c, sd_bus_message_get_member(call->m), ret);
        if (r >= 0)
                r = sd_bus_message_rewind(call->m, 1);
        return r < 0 ? r : sd_bus_message_copy(*ret, call->m, 1);
}

static int send_call(LauncherClient *c, LauncherCall *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = copy_call(c, call, &m);
        if (r >= 0)
                r = sd_bus_call_async(c->bus, &call->slot, m, on_reply, call, call->limit_usec);
        if (r < 0)
                return r;

        call->sealed = true;
        call->in_doubt = false;
        return 0;
}

static int hold_new(LauncherCall *call)
{
        /* The cookie is not used. */
        int r = sd_bus_message_seal(call->m, 1, 0);

        call->sealed = r >= 0;
        return r;
}

void launcher_client_resume(LauncherClient *c)
{
        g_autoptr(GPtrArray) held = g_ptr_array_new();

        c->serving = true;
        c->away = false;
        c->away_timer = sd_event_source_disable_unref(c->away_timer);

        for (LauncherCall *call = c->calls; call; call = call->next)
                if (!call->slot)
                        g_ptr_array_add(held, call);
        /* The last one was put first. */
        for (guint i = held->len; i > 0; i--) {
                int r = bus_check_sent(c->bus, send_call(c, held->pdata[i - 1]));

                if (r < 0) {
                        /* It has broken again, or does now. */
                        log_warning("A call for agenthost-launcher cannot be sent yet: %s", strerror(-r));
                        c->serving = false;
                        arm_away_timer(c);
                        return;
                }
        }
}

static int make_call(LauncherClient *c, LauncherCall *call, bool now, LauncherCall **ret_call, Fault *fault)
{
        int r = -ENOTCONN;

        if (now ? c->connected : c->serving)
                r = send_call(c, call);
        else if (!now && launcher_client_is_usable(c))
                r = hold_new(call);
        if (r < 0) {
                sd_bus_message_unref(call->m);
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

static LauncherCall *new_call(
        LauncherClient *c, sd_bus_message *m, uint64_t limit_usec, LauncherDone done, void *userdata)
{
        LauncherCall *call = g_new0(LauncherCall, 1);

        *call = (LauncherCall){
                .client = c,
                .m = sd_bus_message_ref(m),
                .limit_usec = limit_usec,
                .done = done,
                .userdata = userdata,
        };
        return call;
}

int launcher_client_call(LauncherClient *c,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault)
{
        return make_call(c, new_call(c, m, limit_usec, done, userdata), false, ret_call, fault);
}

int launcher_client_call_now(LauncherClient *c,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault)
{
        return make_call(c, new_call(c, m, limit_usec, done, userdata), true, ret_call, fault);
}

/* Without an answer. */
static int send_now(LauncherClient *c, sd_bus_message *m)
{
        int r = sd_bus_message_set_expect_reply(m, 0);

        return r < 0 ? r : sd_bus_send(c->bus, m, NULL);
}

int launcher_client_acknowledge(LauncherClient *c, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* What is not acknowledged now comes again in the next List. */
        if (!c->connected)
                return 0;
        r = launcher_client_message(c, LAUNCHER_ACKNOWLEDGE, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_ACKNOWLEDGE_IN, 1, unit);
        if (r >= 0)
                r = send_now(c, m);
        if (r < 0)
                log_warning("Cannot acknowledge the end of %s: %s", unit, strerror(-r));
        return r;
}

void launcher_client_settle(LauncherClient *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = launcher_client_message(c, LAUNCHER_SETTLE, &m);
        if (r >= 0)
                r = bus_check_sent(c->bus, send_now(c, m));
        if (r < 0)
                log_warning("Cannot send " LAUNCHER_SETTLE ": %s", strerror(-r));
}

static void on_stopped(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        g_autofree char *unit = userdata;

        (void)reply;

        /* When it is back, it is asked again by launcher-sync.c. */
        if (fault && fault->kind != FAULT_LAUNCHER_UNAVAILABLE)
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

int launcher_client_end_now(LauncherClient *c, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!c->connected)
                return -ENOTCONN;
        r = launcher_client_message(c, LAUNCHER_STOP, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_STOP_IN, unit, UINT64_C(0));
        return r < 0 ? r : send_now(c, m);
}

void launcher_client_extend(LauncherClient *c, const char *unit, uint64_t timeout_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* After a reconnect the stop is asked for again, with what is left of its time. */
        if (!c->connected)
                return;
        r = launcher_client_message(c, LAUNCHER_EXTEND, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_EXTEND_IN, unit, timeout_usec);
        if (r >= 0)
                r = send_now(c, m);
        if (r < 0)
                log_warning("Cannot extend the time to stop of %s: %s", unit, strerror(-r));
}
