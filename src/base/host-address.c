/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-address.h"

#include <arpa/inet.h>
#include <string.h>

#include "parse.h"

#define PORT_MAX 65535u

static bool is_hostname(const char *text, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char c = text[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            c == '.' || c == '-'))
                        return false;
        }
        return n > 0 && n <= HOSTNAME_BYTES_MAX;
}

bool hostname_is_valid(const char *text)
{
        return is_hostname(text, strlen(text));
}

/* "[IPv6 address]" */
static bool is_bracketed(const char *text, size_t n)
{
        char address[INET6_ADDRSTRLEN];
        struct in6_addr ignored;

        if (n < 2 || text[0] != '[' || text[n - 1] != ']' || n - 2 >= sizeof(address))
                return false;

        memcpy(address, text + 1, n - 2);
        address[n - 2] = '\0';
        return inet_pton(AF_INET6, address, &ignored) == 1;
}

size_t host_address_hostname_length(const char *address)
{
        const char *colon = strrchr(address, ':');

        return colon ? (size_t)(colon - address) : strlen(address);
}

unsigned host_address_port(const char *address)
{
        const char *colon = strrchr(address, ':');
        unsigned port;

        return colon && parse_uint(colon + 1, 1, PORT_MAX, &port) >= 0 ? port : 0;
}

bool host_address_is_valid(const char *text)
{
        size_t n = host_address_hostname_length(text);

        return host_address_port(text) > 0 && (is_hostname(text, n) || is_bracketed(text, n));
}

int host_address_check(const char *text, Fault *fault)
{
        if (host_address_is_valid(text))
                return 0;
        return fault_set(fault, FAULT_INVALID_ARGS,
                "Invalid host address format: '%s'; it must be HOST:PORT or [IPv6 ADDRESS]:PORT with a port "
                "between 1 and %u",
                text, PORT_MAX);
}

bool host_address_is_same_host(const char *a, const char *b)
{
        size_t n = host_address_hostname_length(a);

        return n == host_address_hostname_length(b) && memcmp(a, b, n) == 0;
}
