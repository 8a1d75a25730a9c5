/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client's connection, from accept to close: its TLS, who it is, and the time it may take for what it is
 * about. libmicrohttpd owns the socket; when the time is up the socket is shut down, and libmicrohttpd finds
 * that out and closes it. Used by the server. */

#include "server-private.h"

typedef struct ServerConnection ServerConnection;

/* Callbacks of libmicrohttpd, with the server as closure. */
enum MHD_Result server_connection_on_accept(void *server, const struct sockaddr *address, socklen_t size);
void server_connection_on_change(
        void *server, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code);

ServerConnection *server_connection_of(struct MHD_Connection *mhd);

/* From now on. USEC_INFINITY: no limit. */
void server_connection_set_limit(ServerConnection *c, uint64_t usec);

/* The names in the client's certificate; and one to know it by, which is the first of them, or made of its
 * certificate. */
char *const *server_connection_names(ServerConnection *c);
const char *server_connection_who(ServerConnection *c);

/* "192.0.2.7", for the log. */
const char *server_connection_address(const ServerConnection *c);

int server_connection_fd(const ServerConnection *c);

/* It is to be closed after the present request. */
bool server_connection_is_old(const ServerConnection *c);
