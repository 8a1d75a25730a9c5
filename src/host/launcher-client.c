/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-client.h"

#include <string.h>

#include "answer.h"
#include "fault-bus.h"
#include "log-host.h"
#include "log.h"

#define RECONNECT_USEC (100 * USEC_PER_MSEC)

/* How long calls are held: longer than the launcher takes to execute itself again, shorter than those wait
 * who have called us. */
#define AWAY_LIMIT_USEC (15 * USEC_PER_SEC)

struct LauncherClient {
        sd_event *event;
        const Paths *paths; /* borrowed */
        LauncherListener listener;
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

static int client_connect(LauncherClient *c);

static int on_reconnect(sd_event_source *s, uint64_t usec, void *userdata)
{
        LauncherClient *c = userdata;

        (void)s;
        (void)usec;

        c->reconnect = sd_event_source_disable_unref(c->reconnect);
        return client_connect(c);
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
        while ((call = launcher_call_find(c->calls, true)))
                launcher_call_finish(call, NULL, &fault);
        return 0;
}

static void arm_away_timer(LauncherClient *c)
{
        if (!c->away_timer && !c->away &&
                sd_event_add_time_relative(
                        c->event, &c->away_timer, CLOCK_MONOTONIC, AWAY_LIMIT_USEC, 0, on_away, c) < 0)
                g_error("Cannot arm a timer");
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
        while ((call = launcher_call_find(c->calls, false)))
                if (c->reloading)
                        launcher_call_hold(call, true);
                else
                        launcher_call_finish(call, NULL, &fault);
        c->reloading = false;
        c->listener.handlers.disconnected(c->listener.userdata);

        /* The socket is there also while nobody serves it, usually. */
        if (was_connected)
                client_connect(c);
        else
                client_schedule_reconnect(c);
}

/* Everything is answered: the launcher waits for us to go. */
static void close_if_done(LauncherClient *c)
{
        if (c->reloading && !launcher_call_find(c->calls, false))
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
        c->listener.handlers.disconnected(c->listener.userdata);
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
        LauncherClient *c = launcher_call_owner(call);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        (void)ret_error;

        if (!error) {
                launcher_call_finish(call, m, NULL);
                close_if_done(c);
                return 0;
        }
        if (is_refused_for_now(c, error)) {
                launcher_call_hold(call, sd_bus_is_open(c->bus) <= 0);
                close_if_done(c);
                return 0;
        }

        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
                sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
                fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher has not answered (%s); see '%s status agenthost-launcher.service'",
                        error->message, c->paths->systemctl);
        else
                fault_from_bus_error(&fault, error, FAULT_LAUNCHER_UNAVAILABLE);
        launcher_call_finish(call, NULL, &fault);
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
        c->listener.handlers.connected(c->listener.userdata);
        return 0;
}

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
                r = launcher_signals_add(bus, &c->listener);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, LAUNCHER_MATCH(LAUNCHER_RELOADING), on_reloading, c);
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
                .listener = { *handlers, userdata },
        };
        arm_away_timer(c);
        client_connect(c);
        return c;
}

static void end_calls(LauncherClient *c)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "agenthostd is stopping; whether agenthost-launcher has done it is not known");
        launcher_call_end_all(&c->calls, &fault);
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

void launcher_client_resume(LauncherClient *c)
{
        g_autoptr(GPtrArray) held = launcher_call_list_held(c->calls);

        c->serving = true;
        c->away = false;
        c->away_timer = sd_event_source_disable_unref(c->away_timer);

        for (guint i = 0; i < held->len; i++) {
                int r = bus_check_sent(c->bus, launcher_call_send(held->pdata[i], c->bus, on_reply));

                if (r < 0) {
                        /* It has broken again, or does now. */
                        log_warning("A call for agenthost-launcher cannot be sent yet: %s", strerror(-r));
                        c->serving = false;
                        arm_away_timer(c);
                        return;
                }
        }
}

int launcher_client_unreachable(const LauncherClient *c, int error, Fault *fault)
{
        return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE,
                "agenthost-launcher cannot be reached (%s); see '%s status agenthost-launcher.service'",
                strerror(-error), c->paths->systemctl);
}

static int make_call(LauncherClient *c, LauncherCall *call, bool now, LauncherCall **ret_call, Fault *fault)
{
        int r = -ENOTCONN;

        if (now ? c->connected : c->serving)
                r = launcher_call_send(call, c->bus, on_reply);
        else if (!now && launcher_client_is_usable(c))
                r = launcher_call_hold_new(call);
        if (r < 0) {
                launcher_call_free(call);
                return launcher_client_unreachable(c, r, fault);
        }

        launcher_call_enter(call, &c->calls, ret_call);
        return 0;
}

int launcher_client_call(LauncherClient *c,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault)
{
        return make_call(c, launcher_call_new(c, m, limit_usec, done, userdata), false, ret_call, fault);
}

int launcher_client_call_now(LauncherClient *c,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault)
{
        return make_call(c, launcher_call_new(c, m, limit_usec, done, userdata), true, ret_call, fault);
}

int launcher_client_send(LauncherClient *c, sd_bus_message *m)
{
        int r = sd_bus_message_set_expect_reply(m, 0);

        return r < 0 ? r : sd_bus_send(c->bus, m, NULL);
}
