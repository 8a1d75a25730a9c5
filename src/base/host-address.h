/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses of hosts as they stand in the registry: "name:port" or "[IPv6 address]:port". The part before
 * the port is the hostname of the keys, with its brackets. Used by the configuration, and by the backends of
 * registry and discovery, which check with it what others have written. */

#include "fault.h"

#define HOSTNAME_BYTES_MAX 253u

/* Letters, digits, dots and dashes; 1 to 253 of them. */
bool hostname_is_valid(const char *text);

bool host_address_is_valid(const char *text);

/* The same with what is wrong. Fault: InvalidArgs. */
int host_address_check(const char *text, Fault *fault);

/* How many bytes of a valid address are its hostname. */
size_t host_address_hostname_length(const char *address);

/* Whether two valid addresses are of one host, whatever their ports. */
bool host_address_is_same_host(const char *a, const char *b);

/* Its port; 0 for no valid address. */
unsigned host_address_port(const char *address);
