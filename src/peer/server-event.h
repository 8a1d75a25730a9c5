/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libmicrohttpd on an sd-event loop: its epoll descriptor is one io source, and it is run again where it
 * says that it has more to do. It has no thread and no timeouts of its own. Used by the server. */

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "macros.h"

typedef struct ServerEvent ServerEvent;

/* The daemon is borrowed, and outlives this. */
int server_event_new(sd_event *event, struct MHD_Daemon *daemon, ServerEvent **ret);
ServerEvent *server_event_free(ServerEvent *e);

/* Something has been done that libmicrohttpd acts on when it is run: a connection was resumed. */
void server_event_kick(ServerEvent *e);

/* While a handshake goes on, libmicrohttpd (0.9.75 to 1.0.1) says without end that it has more to do, even
 * when it only waits for the client. So it is to be told how many there are, and whenever something has come
 * of a run, which is when any callback of its has been called. */
void server_event_count_handshakes(ServerEvent *e, int change);
void server_event_progress(ServerEvent *e);

/* How often it has been run: idle connections do not raise it. */
uint64_t server_event_runs(const ServerEvent *e);
