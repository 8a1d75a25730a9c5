/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-connection.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "macros.h"

#define RETRY_FIRST_USEC (10 * USEC_PER_MSEC)
#define RETRY_LAST_USEC (1 * USEC_PER_SEC)

/* Answers to RequestName. */
#define NAME_IS_OURS 1u
#define NAME_WAS_OURS 4u

#define MATCH_DISCONNECTED "type='signal',interface='org.freedesktop.DBus.Local',member='Disconnected'"

struct BusConnection {
        sd_event *event;
        BusOpen open;
        char *name;
        BusConnectionHandlers handlers;
        void *userdata;

        sd_bus *bus; /* closed, while there is none */
        sd_bus_slot *name_slot; /* the question for the name */
        sd_event_source *retry;
        uint64_t retry_usec;
        bool wants_name;
        bool owns_name;
        bool has_owned; /* the name was ours before */
        bool said_down; /* one line for each outage */
};

static void try_connect(BusConnection *c);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        BusConnection *c = userdata;

        (void)s;
        (void)usec;

        c->retry = sd_event_source_disable_unref(c->retry);
        try_connect(c);
        return 0;
}

static void schedule_retry(BusConnection *c)
{
        if (c->retry)
                return;

        if (sd_event_add_time_relative(c->event, &c->retry, CLOCK_MONOTONIC, c->retry_usec, 0, on_retry, c) <
                0)
                g_error("Cannot arm a timer");
        c->retry_usec = MIN(2 * c->retry_usec, RETRY_LAST_USEC);
}

/* The object stays, so that there always is one. */
static void hang_up(BusConnection *c)
{
        c->owns_name = false;
        c->name_slot = sd_bus_slot_unref(c->name_slot);
        (void)sd_bus_detach_event(c->bus);
        sd_bus_close(c->bus);
}

static void disconnected(BusConnection *c, const char *why)
{
        if (!c->said_down)
                log_warning("%s; nobody can reach us until that is over", why);
        c->said_down = true;
        hang_up(c);
        c->handlers.disconnected(c->userdata);
        schedule_retry(c);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)m;
        (void)ret_error;

        disconnected(userdata, "The connection to the message bus broke");
        return 0;
}

/* Somebody else may have it: our own former connection, of whose end the bus has not heard yet. */
static bool is_given(sd_bus_message *m)
{
        uint32_t answer;

        return sd_bus_message_read(m, "u", &answer) > 0 &&
                (answer == NAME_IS_OURS || answer == NAME_WAS_OURS);
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(m);
        BusConnection *c = userdata;
        bool again = c->has_owned;

        (void)ret_error;

        /* Not an answer of the bus, but that there will be none: the next connection asks again. */
        if (sd_bus_is_open(c->bus) <= 0)
                return 0;

        c->name_slot = sd_bus_slot_unref(c->name_slot);
        if (error && sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT)) {
                disconnected(c, "The message bus hangs");
                return 0;
        }
        if (!error && !is_given(m)) {
                disconnected(c, "Our name on the message bus is somebody else's");
                return 0;
        }
        if (error) {
                log_error("The bus does not give us the name %s: %s", c->name, error->message);
                c->handlers.refused(-sd_bus_error_get_errno(error), c->userdata);
                return 0;
        }

        if (c->said_down)
                log_info("Connected to the message bus again");
        c->said_down = false;
        c->retry_usec = RETRY_FIRST_USEC;
        c->owns_name = c->has_owned = true;
        c->handlers.owned(again, c->userdata);
        return 0;
}

static int request_name(BusConnection *c)
{
        if (!c->wants_name || c->name_slot)
                return 0;
        return sd_bus_request_name_async(c->bus, &c->name_slot, c->name, 0, on_name, c);
}

static int setup(BusConnection *c)
{
        int r;

        /* The end of the loop would close it, and wait for a bus that is not there. */
        r = sd_bus_set_close_on_exit(c->bus, false);
        if (r >= 0)
                r = sd_bus_add_match(c->bus, NULL, MATCH_DISCONNECTED, on_disconnected, c);
        if (r >= 0)
                r = c->handlers.connecting(c->bus, c->userdata);
        if (r >= 0)
                r = sd_bus_attach_event(c->bus, c->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = request_name(c);
        return r;
}

static void try_connect(BusConnection *c)
{
        sd_bus *bus;
        int r;

        r = c->open(&bus, "host");
        if (r >= 0) {
                sd_bus_unref(c->bus);
                c->bus = bus;
                r = setup(c);
        }
        if (r >= 0)
                return;

        if (!c->said_down)
                log_warning("Cannot connect to the message bus, trying on: %s", strerror(-r));
        c->said_down = true;
        if (c->bus)
                hang_up(c);
        schedule_retry(c);
}

BusConnection *bus_connection_new(sd_event *event,
        BusOpen open,
        const char *name,
        const BusConnectionHandlers *handlers,
        void *userdata)
{
        BusConnection *c = g_new0(BusConnection, 1);

        *c = (BusConnection){
                .event = sd_event_ref(event),
                .open = open,
                .name = g_strdup(name),
                .handlers = *handlers,
                .userdata = userdata,
                .retry_usec = RETRY_FIRST_USEC,
        };
        try_connect(c);
        return c;
}

BusConnection *bus_connection_free(BusConnection *c)
{
        if (!c)
                return NULL;

        sd_event_source_disable_unref(c->retry);
        sd_bus_slot_unref(c->name_slot);
        /* One that is not in touch with its bus yet would be waited for. */
        if (c->bus && sd_bus_is_ready(c->bus) > 0)
                (void)sd_bus_flush(c->bus);
        sd_bus_close_unref(c->bus);
        g_free(c->name);
        sd_event_unref(c->event);
        g_free(c);
        return NULL;
}

void bus_connection_own_name(BusConnection *c)
{
        int r = 0;

        c->wants_name = true;
        if (c->bus && sd_bus_is_open(c->bus) > 0)
                r = request_name(c);
        if (r < 0) {
                log_warning("The name %s cannot be asked for, trying on: %s", c->name, strerror(-r));
                hang_up(c);
                schedule_retry(c);
        }
}

bool bus_connection_owns_name(const BusConnection *c)
{
        return c->owns_name;
}

sd_bus *bus_connection_bus(const BusConnection *c)
{
        return c->bus;
}
