/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager.h"

#include <string.h>

#include "bus-pump.h"
#include "log.h"
#include "manager-signal.h"
#include "time-util.h"

#define RECONNECT_MIN_USEC (10 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (1 * USEC_PER_SEC)
#define LIST_LIMIT_USEC (25 * USEC_PER_SEC)

struct Manager {
        sd_event *event;
        char *address;
        ManagerHandlers handlers;
        void *userdata;
        sd_bus *bus;
        BusPump *pump;
        uint64_t pace_usec;
        sd_event_source *reconnect;
        uint64_t reconnect_usec;
        sd_bus_slot *list_slot;
        uint64_t n_lists;
        bool connected; /* past the handshake */
        bool list_again; /* wished for while one was under way */
        bool reloading; /* every unit is said to go and to come again: not news */
        bool said_down; /* one line for each outage */
};

static void manager_connect(Manager *m);

static int on_reconnect(sd_event_source *s, uint64_t usec, void *userdata)
{
        Manager *m = userdata;

        (void)s;
        (void)usec;

        m->reconnect = sd_event_source_disable_unref(m->reconnect);
        manager_connect(m);
        return 0;
}

static void schedule_reconnect(Manager *m)
{
        int r;

        if (m->reconnect)
                return;

        r = sd_event_add_time_relative(
                m->event, &m->reconnect, CLOCK_MONOTONIC, m->reconnect_usec, 0, on_reconnect, m);
        if (r < 0) {
                log_error("Cannot arm a timer to connect to systemd again: %s", strerror(-r));
                sd_event_exit(m->event, r);
        }

        m->reconnect_usec *= 2;
        if (m->reconnect_usec > RECONNECT_MAX_USEC)
                m->reconnect_usec = RECONNECT_MAX_USEC;
}

static void disconnect(Manager *m)
{
        m->list_slot = sd_bus_slot_unref(m->list_slot);
        m->pump = bus_pump_free(m->pump);
        m->bus = sd_bus_close_unref(m->bus);
        m->connected = m->reloading = m->list_again = false;
}

static void give_up_connection(Manager *m)
{
        disconnect(m);
        m->handlers.disconnected(m->userdata);
        schedule_reconnect(m);
}

static int on_listed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(scope_list_done) ScopeList list = { 0 };
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Manager *m = userdata;
        int r = 0;

        (void)ret_error;

        m->list_slot = sd_bus_slot_unref(m->list_slot);
        if (sd_bus_is_open(m->bus) <= 0)
                return 0;

        if (!error)
                r = scope_list_read(reply, &list);
        if (error || r < 0) {
                log_warning("Cannot list the agents' scopes, connecting again: %s",
                        error ? error->message : strerror(-r));
                give_up_connection(m);
                return 0;
        }

        list.number = m->n_lists;
        m->reconnect_usec = RECONNECT_MIN_USEC;
        if (m->list_again) {
                m->list_again = false;
                manager_list(m);
        }
        m->handlers.listed(&list, m->userdata);
        return 0;
}

void manager_list(Manager *m)
{
        int r;

        if (m->list_slot)
                m->list_again = true;
        /* While there is no connection, or units come and go for a reload, a listing will follow by itself.
         */
        if (!m->connected || m->reloading || m->list_slot)
                return;

        r = scope_list_request(m->bus, LIST_LIMIT_USEC, on_listed, m, &m->list_slot);
        if (r < 0)
                log_warning("Cannot ask systemd for the agents' scopes: %s", strerror(-r));
        else
                m->n_lists++;
}

uint64_t manager_list_number(const Manager *m)
{
        return m->n_lists;
}

static int on_connected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *m = userdata;

        (void)message;
        (void)ret_error;

        if (m->said_down)
                log_info("Connected to systemd again");
        m->connected = true;
        m->said_down = false;
        m->handlers.connected(m->bus, m->userdata);
        manager_list(m);
        return 0;
}

static void on_broken(void *userdata)
{
        give_up_connection(userdata);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        (void)message;
        (void)ret_error;

        give_up_connection(userdata);
        return 0;
}

static int on_reloading(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *m = userdata;
        int begins, r;

        (void)ret_error;

        r = sd_bus_message_read(message, "b", &begins);
        if (r < 0)
                return manager_signal_malformed(message, r);

        m->reloading = begins;
        if (!begins)
                manager_list(m);
        return 0;
}

static int on_unit_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const Manager *m = userdata;
        const char *unit;
        int r;

        (void)ret_error;

        if (m->reloading)
                return 0;
        r = manager_signal_unit_removed(message, &unit);
        if (r > 0)
                m->handlers.unit_removed(unit, m->userdata);
        return 0;
}

static int on_job_new(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const Manager *m = userdata;
        const char *unit;
        uint32_t job;

        (void)ret_error;

        if (manager_signal_job_new(message, &unit, &job) > 0)
                m->handlers.job_new(unit, job, m->userdata);
        return 0;
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const Manager *m = userdata;
        const char *unit, *result;
        uint32_t job;

        (void)ret_error;

        if (manager_signal_job_removed(message, &unit, &job, &result) > 0)
                m->handlers.job_removed(unit, job, result, m->userdata);
        return 0;
}

static int on_scope_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_free_ char *unit = NULL;
        const Manager *m = userdata;
        const char *result;

        (void)ret_error;

        if (manager_signal_scope_failed(message, &unit, &result) > 0)
                m->handlers.failed(unit, result, m->userdata);
        return 0;
}

#define LOCAL "org.freedesktop.DBus.Local"
#define SYSTEMD "org.freedesktop.systemd1.Manager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* Sees every message. Most signals concern nobody here, and are not to cost more than this look: there are
 * ten of them for each launch. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const struct {
                const char *interface, *member;
                sd_bus_message_handler_t handler;
        } signals[] = {
                { PROPERTIES, "PropertiesChanged", on_scope_changed },
                { SYSTEMD, "JobNew", on_job_new },
                { SYSTEMD, "JobRemoved", on_job_removed },
                { SYSTEMD, "UnitRemoved", on_unit_removed },
                { SYSTEMD, "Reloading", on_reloading },
                { LOCAL, "Connected", on_connected },
                { LOCAL, "Disconnected", on_disconnected },
        };
        const char *interface, *member;

        if (sd_bus_message_is_signal(message, NULL, NULL) <= 0)
                return 0;

        interface = sd_bus_message_get_interface(message);
        member = sd_bus_message_get_member(message);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (strcmp(member, signals[i].member) == 0 && strcmp(interface, signals[i].interface) == 0) {
                        (void)signals[i].handler(message, userdata, ret_error);
                        break;
                }
        return 1;
}

static int try_connect(Manager *m)
{
        int r;

        r = sd_bus_new(&m->bus);
        if (r < 0)
                return r;
        r = sd_bus_set_address(m->bus, m->address);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(m->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(m->bus, NULL, on_message, m);
        if (r < 0)
                return r;
        r = sd_bus_start(m->bus);
        if (r < 0)
                return r;
        r = bus_pump_new(m->event, m->bus, MANAGER_PRIORITY, on_broken, m, &m->pump);
        if (r < 0)
                return r;

        bus_pump_set_pace(m->pump, m->pace_usec);
        return 0;
}

static void manager_connect(Manager *m)
{
        int r = try_connect(m);

        if (r >= 0)
                return;

        if (!m->said_down) {
                log_warning("Cannot connect to systemd at %s, trying again: %s", m->address, strerror(-r));
                m->said_down = true;
        }
        disconnect(m);
        schedule_reconnect(m);
}

int manager_new(
        sd_event *event, const char *address, const ManagerHandlers *handlers, void *userdata, Manager **ret)
{
        Manager *m = malloc(sizeof(Manager));

        if (!m)
                return -ENOMEM;

        *m = (Manager){
                .event = sd_event_ref(event),
                .address = strdup(address),
                .handlers = *handlers,
                .userdata = userdata,
                .reconnect_usec = RECONNECT_MIN_USEC,
        };
        if (!m->address) {
                manager_free(m);
                return -ENOMEM;
        }

        manager_connect(m);
        *ret = m;
        return 0;
}

Manager *manager_free(Manager *m)
{
        if (!m)
                return NULL;

        disconnect(m);
        sd_event_source_disable_unref(m->reconnect);
        sd_event_unref(m->event);
        free(m->address);
        free(m);
        return NULL;
}

void manager_process(Manager *m)
{
        if (m->pump)
                bus_pump_run(m->pump);
}

bool manager_set_pace(Manager *m, uint64_t usec)
{
        if (usec == m->pace_usec)
                return false;

        m->pace_usec = usec;
        if (m->pump)
                bus_pump_set_pace(m->pump, usec);
        return true;
}

void manager_flush(Manager *m, uint64_t limit_usec)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), deadline = usec_add(now, limit_usec);

        for (; m->pump && m->connected && bus_pump_is_behind(m->pump) && now < deadline;
                now = now_usec(CLOCK_MONOTONIC))
                bus_pump_push(m->pump, deadline - now);
}

sd_bus *manager_bus(const Manager *m)
{
        return m->connected && sd_bus_is_open(m->bus) > 0 ? m->bus : NULL;
}
