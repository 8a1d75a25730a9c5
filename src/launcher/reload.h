/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Executing ourselves on request: nothing new is begun, launches come to their end, everybody gets his
 * answers, and then the build that is installed now takes over. Each of these waits has a limit. One Reload
 * lives at a time, in the Launcher. */

#include <systemd/sd-bus.h>

#include "fault.h"

typedef struct Launcher Launcher;
typedef struct Reload Reload;

/* call (NULL: nobody asks) is answered when it is over, one way or the other. */
int reload_begin(Launcher *launcher, sd_bus_message *call, Fault *fault);
Reload *reload_free(Reload *reload);

/* The connection of who has asked closes. reload may be NULL. */
void reload_forget_caller(Reload *reload, const sd_bus *bus);

/* Asks the launcher that runs, at its D-Bus address: agenthost-launcher --reload. Returns a negative errno,
 * having said why. */
int reload_ask(const char *address);
