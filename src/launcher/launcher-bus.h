/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The launcher's side of proto/launcher.h: whoever may connects, asks, and is told what happens by itself.
 * Every connection is told everything. */

#include <systemd/sd-bus.h>

#include "child.h"
#include "probe.h"

typedef struct Connections Connections;

/* Takes the listening socket over on success. */
int connections_new(Launcher *launcher, int listen_fd, Connections **ret);
Connections *connections_free(Connections *connections);

/* A connection that cannot be told is closed: its other end lists when it comes again. */
void connections_emit_ended(Connections *connections, const Child *child);
void connections_emit_unsupported(Connections *connections, const Probe *probe);
void connections_emit_launched(Connections *connections, const Child *child);

/* Nobody connects from here on, until connections_resume(). */
void connections_emit_reloading(Connections *connections);

/* Whether there is no connection but this one (NULL: none at all). */
bool connections_are_only(const Connections *connections, const sd_bus *bus);

/* Writes what waits to be written, as far as that is done in this time. */
void connections_flush(Connections *connections, uint64_t limit_usec);

/* Closes those that there are; others may connect again. */
void connections_resume(Connections *connections);
