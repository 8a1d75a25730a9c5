/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bus connection served by an event loop. Unlike sd_bus_attach_event(), which takes one message in each
 * turn of the loop, all that has come is handled at once: messages of systemd come in bursts, and a turn
 * costs as much as a message does. Used by manager.c and launcher-bus.c. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macros.h"

typedef struct BusPump BusPump;

/* The connection cannot be read any more: its owner is to close it. */
typedef void (*BusPumpBroken)(void *userdata);

int bus_pump_new(
        sd_event *event, sd_bus *bus, int64_t priority, BusPumpBroken broken, void *userdata, BusPump **ret);

/* What comes is handled at most once in this time, however often something comes. 0: at once. */
void bus_pump_set_pace(BusPump *pump, uint64_t usec);

/* Handles what has come by now. The pump may be gone afterwards. */
void bus_pump_run(BusPump *pump);

/* Whether something waits to be written. */
bool bus_pump_is_behind(const BusPump *pump);

/* Waits until more can be written, for so long at most, and runs. */
void bus_pump_push(BusPump *pump, uint64_t limit_usec);

/* Also from within what the pump calls. */
BusPump *bus_pump_free(BusPump *pump);
