/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* D-Bus messages without a bus to send them on. Used by the unit tests of what reads or writes them. */

#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include <glib.h>

#include "macros.h"

/* A bus that is never talked to: sd-bus makes messages only for one that has been started. */
static inline sd_bus *test_bus_new(void)
{
        sd_bus *bus = NULL;
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        close(fds[1]);
        return bus;
}

/* An empty message, to be appended to; its bus goes with it. */
static inline sd_bus_message *test_message_new(void)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = test_bus_new();
        sd_bus_message *m = NULL;

        g_assert_cmpint(sd_bus_message_new_method_call(bus, &m, NULL, "/", "a.b", "C"), >=, 0);
        return m;
}

/* Makes it readable from the start. */
static inline void test_message_seal(sd_bus_message *m)
{
        g_assert_cmpint(sd_bus_message_seal(m, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_rewind(m, 1), >=, 0);
}
