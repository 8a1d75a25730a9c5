/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-pump.h"

#include <errno.h>
#include <glib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "time-util.h"

/* More changes than two connections need for a call and its answer. */
#define CHANGES 30u
#define LIMIT_USEC (10 * USEC_PER_SEC)

/* That of the C library, for libsystemd too: of the changes of what is waited for, one fails. */
static unsigned n_changes, failing_change;

__attribute__((visibility("default"))) int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
        if (op == EPOLL_CTL_MOD && ++n_changes == failing_change) {
                errno = ENOSPC;
                return -1;
        }
        return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

typedef struct Fixture {
        sd_event *event;
        sd_bus *client, *server;
        BusPump *client_pump, *server_pump;
        bool answered;
} Fixture;

static int on_ask(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)userdata;
        (void)ret_error;

        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Ask", "", "", on_ask, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void on_broken(void *userdata)
{
        (void)userdata;

        g_error("A connection broke");
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Fixture *f = userdata;

        (void)ret_error;

        g_assert_null(sd_bus_message_get_error(m));
        f->answered = true;
        return 0;
}

static sd_bus *start_bus(int fd, bool server)
{
        sd_id128_t id;
        sd_bus *bus;

        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fd, fd), >=, 0);
        if (server) {
                g_assert_cmpint(sd_id128_randomize(&id), >=, 0);
                g_assert_cmpint(sd_bus_set_server(bus, true, id), >=, 0);
                g_assert_cmpint(
                        sd_bus_add_object_vtable(bus, NULL, "/test", "org.example.Test", vtable, NULL), >=,
                        0);
        }
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        return bus;
}

static void fixture_up(Fixture *f)
{
        int pair[2];

        *f = (Fixture){ 0 };
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), ==, 0);
        f->server = start_bus(pair[0], true);
        f->client = start_bus(pair[1], false);
        g_assert_cmpint(bus_pump_new(f->event, f->server, 0, on_broken, NULL, &f->server_pump), ==, 0);
        g_assert_cmpint(bus_pump_new(f->event, f->client, 0, on_broken, NULL, &f->client_pump), ==, 0);
}

static void fixture_down(Fixture *f)
{
        bus_pump_free(f->server_pump);
        bus_pump_free(f->client_pump);
        sd_bus_close_unref(f->server);
        sd_bus_close_unref(f->client);
        sd_event_unref(f->event);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;
        (void)userdata;

        g_error("There is no answer");
        return 0;
}

/* The loop is woken up by nothing but the connections. */
static void ask_and_wait(Fixture *f)
{
        g_assert_cmpint(
                sd_event_add_time_relative(f->event, NULL, CLOCK_MONOTONIC, LIMIT_USEC, 0, on_limit, NULL),
                >=, 0);
        g_assert_cmpint(sd_bus_call_method_async(
                                f->client, NULL, NULL, "/test", "org.example.Test", "Ask", on_answer, f, ""),
                >=, 0);
        while (!f->answered)
                g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
}

static void test_call_is_answered_though_the_kernel_refuses_a_change_of_what_is_waited_for(void)
{
        for (failing_change = 1; failing_change <= CHANGES; failing_change++) {
                Fixture f;

                n_changes = 0;
                fixture_up(&f);
                ask_and_wait(&f);
                fixture_down(&f);
                /* Later ones are none of a call's. */
                if (n_changes < failing_change)
                        break;
        }
        g_assert_cmpuint(failing_change, >, 1);
        g_assert_cmpuint(failing_change, <=, CHANGES);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/bus-pump/call-is-answered-though-the-kernel-refuses-a-change-of-what-is-waited-for",
                test_call_is_answered_though_the_kernel_refuses_a_change_of_what_is_waited_for);
        return g_test_run();
}
