/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HTTP as whoever likes sends it, to a server on this host, without TLS. */

#include "macros.h"

/* A connection to 127.0.0.1; -1: nobody listens there. The caller's. */
int http_connect(unsigned port);

/* false: the other side has closed it. */
bool http_send(int fd, const char *data, size_t size);

/* All that comes until the other side closes the connection. The caller's. */
char *http_read_all(int fd);

/* A request as it is, and the whole answer, "" for none. */
char *http_ask(unsigned port, const char *request);

/* A GET: the body of the answer, which has to have this status. */
char *http_get(unsigned port, const char *path, unsigned status);
