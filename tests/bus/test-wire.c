/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-wire.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct End {
        struct Pair *pair;
        sd_event_source *source;
        int fd, other_fd;
} End;

typedef struct Pair {
        TestWire *wire;
        End ends[2];
} Pair;

struct TestWire {
        sd_event *event;
        sd_event_source *source;
        struct sockaddr_un server;
        unsigned port;
        bool is_cut;
        GPtrArray *pairs;
};

static void pair_free(void *userdata)
{
        Pair *pair = userdata;

        for (int i = 0; i < 2; i++) {
                sd_event_source_disable_unref(pair->ends[i].source);
                if (pair->ends[i].fd >= 0)
                        close(pair->ends[i].fd);
        }
        g_free(pair);
}

static int on_bytes(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        End *end = userdata;
        char buffer[65536];
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        (void)s;
        (void)revents;

        if (n <= 0)
                g_ptr_array_remove_fast(end->pair->wire->pairs, end->pair);
        else
                (void)send(end->other_fd, buffer, (size_t)n, MSG_NOSIGNAL);
        return 0;
}

static void join(Pair *pair)
{
        for (int i = 0; i < 2; i++) {
                End *end = &pair->ends[i];

                end->pair = pair;
                end->other_fd = pair->ends[1 - i].fd;
                g_assert_cmpint(
                        sd_event_add_io(pair->wire->event, &end->source, end->fd, EPOLLIN, on_bytes, end),
                        >=, 0);
        }
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        TestWire *wire = userdata;
        Pair *pair = g_new0(Pair, 1);

        (void)s;
        (void)revents;

        pair->wire = wire;
        pair->ends[0].fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        pair->ends[1].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(pair->ends[0].fd, >=, 0);
        g_ptr_array_add(wire->pairs, pair);
        if (wire->is_cut)
                return 0;
        g_assert_cmpint(
                connect(pair->ends[1].fd, (struct sockaddr *)&wire->server, sizeof(wire->server)), ==, 0);
        join(pair);
        return 0;
}

TestWire *test_wire_new(sd_event *event, const char *socket_path)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        TestWire *wire = g_new0(TestWire, 1);
        socklen_t size = sizeof(address);

        wire->event = event;
        wire->server.sun_family = AF_UNIX;
        g_strlcpy(wire->server.sun_path, socket_path, sizeof(wire->server.sun_path));
        wire->pairs = g_ptr_array_new_with_free_func(pair_free);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
        g_assert_cmpint(listen(fd, 16), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
        wire->port = ntohs(address.sin_port);
        g_assert_cmpint(sd_event_add_io(event, &wire->source, fd, EPOLLIN, on_connection, wire), >=, 0);
        g_assert_cmpint(sd_event_source_set_io_fd_own(wire->source, true), >=, 0);
        return wire;
}

void test_wire_free(TestWire *wire)
{
        sd_event_source_disable_unref(wire->source);
        g_ptr_array_unref(wire->pairs);
        g_free(wire);
}

unsigned test_wire_port(const TestWire *wire)
{
        return wire->port;
}

void test_wire_cut(TestWire *wire)
{
        wire->is_cut = true;
        for (unsigned i = 0; i < wire->pairs->len; i++) {
                Pair *pair = wire->pairs->pdata[i];

                for (int n = 0; n < 2; n++)
                        if (pair->ends[n].source)
                                (void)sd_event_source_set_enabled(pair->ends[n].source, SD_EVENT_OFF);
        }
}

void test_wire_mend(TestWire *wire)
{
        wire->is_cut = false;
}
