/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where metrics are to be had, as ListenAddress= says it: "127.0.0.1:9464", "[::1]:9464", or a port alone,
 * which is one of 127.0.0.1. Used by the settings of agenthostd. */

#include "fault.h"

typedef struct ListenAddress {
        char *host; /* numeric, without brackets; free() */
        unsigned port;
        bool is_loopback; /* nobody can come there from another machine */
} ListenAddress;

/* Faults: InvalidArgs. Nothing is looked up. */
int listen_address_parse(const char *text, ListenAddress *ret, Fault *fault);

/* "127.0.0.1:9464": in full, as listen_address_parse() and a URL take it. The caller's; NULL when memory has
 * run out. */
char *listen_address_format(const ListenAddress *address);

void listen_address_done(ListenAddress *address);

#define _cleanup_listen_address_ _cleanup_(listen_address_done)
