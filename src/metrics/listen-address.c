/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listen-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "parse.h"

#define PORT_MAX 65535u
#define LOOPBACK "127.0.0.1"

/* "[" and what stands before "]" */
static char *take_host(const char *text, size_t length)
{
        bool has_brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';

        return has_brackets ? strndup(text + 1, length - 2) : strndup(text, length);
}

static bool check_ipv4(const char *host, bool *ret_is_loopback)
{
        struct in_addr in;

        if (inet_pton(AF_INET, host, &in) != 1)
                return false;
        *ret_is_loopback = ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET;
        return true;
}

static bool check_ipv6(const char *host, bool *ret_is_loopback)
{
        struct in6_addr in6;

        if (inet_pton(AF_INET6, host, &in6) != 1)
                return false;
        *ret_is_loopback = IN6_IS_ADDR_LOOPBACK(&in6);
        return true;
}

static int set_wrong(const char *text, Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS,
                "'%s' is no address to listen on: it has to be a numeric one and a port, as in 127.0.0.1:9464 "
                "or [::1]:9464, or a port alone",
                text);
}

int listen_address_parse(const char *text, ListenAddress *ret, Fault *fault)
{
        const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
        _cleanup_listen_address_ ListenAddress a = { 0 };

        if (parse_uint(port, 1, PORT_MAX, &a.port) < 0)
                return set_wrong(text, fault);

        a.host = colon ? take_host(text, (size_t)(colon - text)) : strdup(LOOPBACK);
        if (!a.host)
                return -ENOMEM;
        /* An IPv6 address without brackets has colons of its own. */
        if (!check_ipv4(a.host, &a.is_loopback) && (text[0] != '[' || !check_ipv6(a.host, &a.is_loopback)))
                return set_wrong(text, fault);

        *ret = a;
        a.host = NULL;
        return 0;
}

char *listen_address_format(const ListenAddress *a)
{
        bool has_colons = strchr(a->host, ':') != NULL;
        char *text;

        if (asprintf(&text, "%s%s%s:%u", has_colons ? "[" : "", a->host, has_colons ? "]" : "", a->port) < 0)
                return NULL;
        return text;
}

void listen_address_done(ListenAddress *a)
{
        free(a->host);
        a->host = NULL;
}
