/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BACKLOG 256

static void freeaddrinfop(struct addrinfo **list)
{
        if (*list)
                freeaddrinfo(*list);
}

static int find_port(int fd, unsigned *ret)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);

        if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                return -errno;
        *ret = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port);
        return 0;
}

static int listen_at(const struct addrinfo *at, bool for_all, unsigned *ret_port)
{
        int only_ipv6 = for_all ? 0 : 1, one = 1, r;
        _cleanup_close_ int fd =
                socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);

        if (fd < 0)
                return -errno;
        if (at->ai_family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof(only_ipv6));
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        r = find_port(fd, ret_port);
        return r < 0 ? r : steal_fd(&fd);
}

/* Nothing is looked up. */
static int resolve(const char *address, unsigned port, struct addrinfo **ret)
{
        const struct addrinfo hints = {
                .ai_family = AF_UNSPEC,
                .ai_socktype = SOCK_STREAM,
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        };
        char port_text[16];

        (void)snprintf(port_text, sizeof(port_text), "%u", port);
        return getaddrinfo(address, port_text, &hints, ret) == 0 ? 0 : -EINVAL;
}

int http_listen(const char *address, unsigned port, bool for_all, unsigned *ret_port)
{
        _cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
        int r = resolve(address, port, &list);

        return r < 0 ? r : listen_at(list, for_all, ret_port);
}
