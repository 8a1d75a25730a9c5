/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-connection.h"

#include <signal.h>
#include <string.h>

#include "log.h"
#include "macros.h"
#include "private-bus.h"

#define NAME "org.agenthost.Test"
#define LIMIT_USEC (30 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *event;
        BusConnection *connection;
        unsigned n_connecting, n_disconnected, n_owned, n_again, n_refused;
        int connecting_result;
} Fixture;

/* There is one for all: how a connection is made takes no argument. */
static PrivateBus *bus;

static int open_bus(sd_bus **ret, const char *description)
{
        (void)description;

        return bus ? private_bus_connect(bus, ret) : -ECONNREFUSED;
}

static int on_connecting(sd_bus *connection, void *userdata)
{
        Fixture *f = userdata;

        g_assert_nonnull(connection);
        f->n_connecting++;
        return f->connecting_result;
}

static void on_disconnected(void *userdata)
{
        Fixture *f = userdata;

        f->n_disconnected++;
}

static void on_owned(bool again, void *userdata)
{
        Fixture *f = userdata;

        f->n_owned++;
        if (again)
                f->n_again++;
}

static void on_refused(int error, void *userdata)
{
        Fixture *f = userdata;

        g_assert_cmpint(error, <, 0);
        f->n_refused++;
}

static const BusConnectionHandlers handlers = {
        .connecting = on_connecting,
        .disconnected = on_disconnected,
        .owned = on_owned,
        .refused = on_refused,
};

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        bus = private_bus_new();
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->connection = bus_connection_new(f->event, open_bus, NAME, &handlers, f);
}

static void stop_bus(void)
{
        private_bus_free(bus);
        bus = NULL;
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        bus_connection_free(f->connection);
        sd_event_unref(f->event);
        if (bus)
                stop_bus();
}

#define run_until(f, condition) \
        while (!(condition))    \
        g_assert_cmpint(sd_event_run((f)->event, LIMIT_USEC), >, 0)

static bool name_is_owned(void)
{
        sd_bus_message *reply = NULL;
        sd_bus *other;
        int owned;

        g_assert_cmpint(private_bus_connect(bus, &other), ==, 0);
        g_assert_cmpint(sd_bus_call_method(other, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", NAME),
                >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "b", &owned), >, 0);
        sd_bus_message_unref(reply);
        sd_bus_flush_close_unref(other);
        return owned;
}

static void test_the_name_is_taken_when_it_is_asked_for(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpuint(f->n_connecting, ==, 1);
        g_assert_false(name_is_owned());
        bus_connection_own_name(f->connection);
        run_until(f, f->n_owned == 1);
        g_assert_cmpuint(f->n_again, ==, 0);
        g_assert_true(name_is_owned());
}

static void test_a_new_bus_is_connected_to_and_the_name_taken_again(Fixture *f, gconstpointer data)
{
        sd_bus *first;

        (void)data;

        bus_connection_own_name(f->connection);
        run_until(f, f->n_owned == 1);
        first = sd_bus_ref(bus_connection_bus(f->connection));

        stop_bus();
        run_until(f, f->n_disconnected == 1);
        g_assert_cmpint(sd_bus_emit_signal(bus_connection_bus(f->connection), "/a", "a.b", "C", NULL), ==,
                -ENOTCONN);

        bus = private_bus_new();
        run_until(f, f->n_owned == 2);
        g_assert_cmpuint(f->n_again, ==, 1);
        g_assert_cmpuint(f->n_connecting, ==, 2);
        g_assert_true(bus_connection_bus(f->connection) != first);
        g_assert_true(name_is_owned());
        sd_bus_unref(first);
}

static void test_a_bus_that_is_late_is_waited_for(Fixture *f, gconstpointer data)
{
        (void)data;

        stop_bus();
        run_until(f, f->n_disconnected == 1);
        bus_connection_own_name(f->connection);
        /* Tries in vain. */
        for (unsigned i = 0; i < 3; i++)
                g_assert_cmpint(sd_event_run(f->event, LIMIT_USEC), >, 0);
        g_assert_cmpuint(f->n_owned, ==, 0);
        bus = private_bus_new();
        run_until(f, f->n_owned == 1);
        g_assert_cmpuint(f->n_again, ==, 0);
}

static void test_a_name_that_is_somebody_elses_is_waited_for(Fixture *f, gconstpointer data)
{
        sd_bus *other;

        (void)data;

        g_assert_cmpint(private_bus_connect(bus, &other), ==, 0);
        g_assert_cmpint(sd_bus_request_name(other, NAME, 0), >=, 0);
        bus_connection_own_name(f->connection);
        run_until(f, f->n_disconnected >= 1);
        g_assert_cmpuint(f->n_owned, ==, 0);
        sd_bus_flush_close_unref(other);
        run_until(f, f->n_owned == 1);
        g_assert_cmpuint(f->n_refused, ==, 0);
}

static void test_a_connection_that_cannot_be_set_up_is_tried_again(Fixture *f, gconstpointer data)
{
        (void)data;

        f->connecting_result = -ENOMEM;
        bus_connection_own_name(f->connection);
        run_until(f, f->n_owned == 1);
        stop_bus();
        bus = private_bus_new();
        run_until(f, f->n_connecting >= 4);
        g_assert_cmpuint(f->n_owned, ==, 1);
        f->connecting_result = 0;
        run_until(f, f->n_owned == 2);
}

#define ADD(name, function) \
        g_test_add("/bus-connection/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_level(LOG_ERR);
        ADD("the-name-is-taken-when-it-is-asked-for", test_the_name_is_taken_when_it_is_asked_for);
        ADD("a-new-bus-is-connected-to-and-the-name-taken-again",
                test_a_new_bus_is_connected_to_and_the_name_taken_again);
        ADD("a-bus-that-is-late-is-waited-for", test_a_bus_that_is_late_is_waited_for);
        ADD("a-name-that-is-somebody-elses-is-waited-for", test_a_name_that_is_somebody_elses_is_waited_for);
        ADD("a-connection-that-cannot-be-set-up-is-tried-again",
                test_a_connection_that_cannot_be_set_up_is_tried_again);
        return g_test_run();
}
