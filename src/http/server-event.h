/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libmicrohttpd on an sd-event loop: its epoll descriptor is one io source, and it is run again where it
 * says that it has more to do. It has no thread and no timeouts of its own. Used by the servers for peers
 * and for metrics. */

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "macros.h"

typedef struct ServerEvent ServerEvent;

/* The daemon is borrowed, and outlives this. */
int server_event_new(sd_event *event, struct MHD_Daemon *daemon, ServerEvent **ret);
ServerEvent *server_event_free(ServerEvent *e);

/* Something has been done that libmicrohttpd acts on when it is run: a connection was resumed. */
void server_event_kick(ServerEvent *e);

/* Something has come of this run: to be called by every callback of libmicrohttpd. While a handshake goes on
 * it says (0.9.75 to 1.0.1) without end that it has more to do, even when it only waits for the client; so
 * it is not believed for long when nothing comes of it. */
void server_event_progress(ServerEvent *e);

/* How often it has been run: idle connections do not raise it. */
uint64_t server_event_runs(const ServerEvent *e);
