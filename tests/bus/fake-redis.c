/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-redis.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Connection {
        FakeRedis *fake;
        sd_event_source *source;
        int fd;
} Connection;

static void connection_free(void *userdata)
{
        Connection *c = userdata;

        sd_event_source_disable_unref(c->source);
        close(c->fd);
        g_free(c);
}

static void say(const Connection *c, const char *text, size_t size)
{
        g_assert_cmpint(send(c->fd, text, size, MSG_NOSIGNAL), ==, (gssize)size);
}

static int on_said(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Connection *c = userdata;
        FakeRedis *fake = c->fake;
        char buffer[4096];
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        (void)s;
        (void)revents;

        if (n <= 0) {
                g_ptr_array_remove_fast(fake->connections, c);
                return 0;
        }
        if (fake->habit == FAKE_ANSWERS || fake->habit == FAKE_ANSWERS_AND_CLOSES)
                say(c, fake->answer->str, fake->answer->len);
        if (fake->habit == FAKE_ANSWERS_AND_CLOSES)
                g_ptr_array_remove_fast(fake->connections, c);
        return 0;
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        FakeRedis *fake = userdata;
        Connection *c = g_new0(Connection, 1);

        (void)s;
        (void)revents;

        c->fake = fake;
        c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        g_assert_cmpint(c->fd, >=, 0);
        g_assert_cmpint(sd_event_add_io(fake->event, &c->source, c->fd, EPOLLIN, on_said, c), >=, 0);
        g_ptr_array_add(fake->connections, c);
        fake->n_connections++;
        if (fake->habit == FAKE_SPEAKS_FIRST)
                say(c, fake->answer->str, fake->answer->len);
        return 0;
}

FakeRedis *fake_redis_new(sd_event *event, FakeHabit habit, const char *answer)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        FakeRedis *fake = g_new0(FakeRedis, 1);
        socklen_t size = sizeof(address);

        fake->event = event;
        fake->habit = habit;
        fake->answer = g_string_new(answer);
        fake->connections = g_ptr_array_new_with_free_func(connection_free);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
        g_assert_cmpint(listen(fd, 16), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
        fake->port = ntohs(address.sin_port);
        g_assert_cmpint(sd_event_add_io(event, &fake->source, fd, EPOLLIN, on_connection, fake), >=, 0);
        g_assert_cmpint(sd_event_source_set_io_fd_own(fake->source, true), >=, 0);
        return fake;
}

void fake_redis_free(FakeRedis *fake)
{
        sd_event_source_disable_unref(fake->source);
        g_ptr_array_unref(fake->connections);
        g_string_free(fake->answer, TRUE);
        g_free(fake);
}

char *fake_redis_url(const FakeRedis *fake)
{
        return g_strdup_printf("redis://127.0.0.1:%u", fake->port);
}

void fake_redis_say(FakeRedis *fake, const char *text)
{
        for (unsigned i = 0; i < fake->connections->len; i++)
                say(fake->connections->pdata[i], text, strlen(text));
}

char *fake_greeting(const char *info)
{
        return g_strdup_printf("+OK\r\n-ERR unknown subcommand\r\n-ERR unknown subcommand\r\n$%zu\r\n%s\r\n",
                strlen(info), info);
}
