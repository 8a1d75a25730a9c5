/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agenthost-launcher says by itself, read and handed on. Used by launcher-client.c for each connection
 * that it makes. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "agent.h"
#include "proto/launcher.h"

typedef struct LauncherHandlers {
        void (*connected)(void *userdata);
        void (*disconnected)(void *userdata);
        void (*launched)(const char *unit, pid_t pid, void *userdata);
        void (*unsupported)(sd_bus_message *m, void *userdata); /* at its first argument */
        void (*ended)(const char *unit, const AgentEnd *end, void *userdata);
} LauncherHandlers;

typedef struct LauncherListener {
        LauncherHandlers handlers;
        void *userdata;
} LauncherListener;

#define LAUNCHER_MATCH(member) "type='signal',interface='" LAUNCHER_INTERFACE "',member='" member "'"

/* Signals of the bus go to the listener from here on, but for connected() and disconnected(). It has to stay
 * for as long as the bus does. */
int launcher_signals_add(sd_bus *bus, LauncherListener *listener);

/* Reads a LAUNCHER_END. */
int launcher_read_end(sd_bus_message *m, AgentEnd *ret);
