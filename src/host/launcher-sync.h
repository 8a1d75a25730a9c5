/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Brings what we know and what the launcher has together, after each connect: runtimes first, then every
 * page of List, then Adopt for agents that a launcher which died has left to us. What an agent's file says
 * and nobody has was lost with us before its launch and is forgotten. */

#include "launcher-client.h"

typedef struct LauncherSync LauncherSync;

LauncherSync *launcher_sync_new(Host *host);
LauncherSync *launcher_sync_free(LauncherSync *sync);

/* For LauncherHandlers. */
void launcher_sync_connected(LauncherSync *sync);
void launcher_sync_disconnected(LauncherSync *sync);

/* Whether both sides are together: the launcher is there, and what it has is known. */
bool launcher_sync_is_settled(const LauncherSync *sync);

/* A unit whose launch was cut off: it is stopped as soon as the launcher can be reached, whatever
 * became of it. */
void launcher_sync_doubt(LauncherSync *sync, const char *unit);

/* The end of this unit's agent is written down; the launcher can forget it. */
void launcher_sync_acknowledge(LauncherSync *sync, const char *unit);

/* Something could not be said or written down, for lack of memory or space perhaps: what the launcher has is
 * looked at again in a moment, and what is to be done with it. */
void launcher_sync_again(LauncherSync *sync);

/* Asks for the runtimes alone: reload. */
void launcher_sync_runtimes(LauncherSync *sync);
