/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"
#include "outcome.h"

int http_connect(unsigned port)
{
        const struct timeval limit = { .tv_sec = LIMIT_SEC };
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
                fail("socket: %m");
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        if (errno != ECONNREFUSED)
                fail("connect: %m");
        close(fd);
        return -1;
}

bool http_send(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

                if (n < 0 && errno != EPIPE && errno != ECONNRESET)
                        fail("send: %m");
                if (n < 0)
                        return false;
                data += n;
                size -= (size_t)n;
        }
        return true;
}

char *http_read_all(int fd)
{
        GString *text = g_string_new(NULL);
        char buffer[16384];
        ssize_t n;

        while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
                g_string_append_len(text, buffer, n);
        if (n < 0 && errno != ECONNRESET)
                fail("recv: %m");
        return g_string_free(text, FALSE);
}

char *http_ask(unsigned port, const char *request)
{
        _cleanup_close_ int fd = http_connect(port);

        expect_true("connection", fd >= 0);
        (void)http_send(fd, request, strlen(request));
        return http_read_all(fd);
}

char *http_get(unsigned port, const char *path, unsigned status)
{
        g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
        g_autofree char *reply = http_ask(port, request), *line = NULL;
        const char *body = strstr(reply, "\r\n\r\n");

        line = g_strdup_printf("HTTP/1.1 %u ", status);
        expect_part(path, line, reply);
        if (!body)
                fail("%s: no body in %s", path, reply);
        return g_strdup(body + 4);
}
