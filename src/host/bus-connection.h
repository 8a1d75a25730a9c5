/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Our connection to the message bus, which can be restarted under us: then we connect again, register
 * everything again and own the name again. Nothing here waits: what is asked of the bus is answered later,
 * and a bus that is away is tried again, after 10 ms first and every second in the end.
 *
 * Whoever talks on the bus takes what bus_connection_bus() gives at that moment. While there is no
 * connection that is one that is closed: sending fails with -ENOTCONN, and is no error worth a word.
 * Messages that came by an old connection keep that one, so that an answer can never go to who has got the
 * caller's name on the new one. Used by host.c. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macros.h"

typedef struct BusConnection BusConnection;

typedef struct BusConnectionHandlers {
        /* A new connection: objects are to be added to it, nothing to be waited for. Other than 0: it is
         * given up and another one tried. */
        int (*connecting)(sd_bus *bus, void *userdata);

        /* What was asked on it will not be answered. */
        void (*disconnected)(void *userdata);

        /* The name is ours, for the first time or again. */
        void (*owned)(bool again, void *userdata);

        /* The bus refuses us the name: said once, logged already. */
        void (*refused)(int error, void *userdata);
} BusConnectionHandlers;

/* How a connection is made: as sd_bus_open_system_with_description(3), which is what it usually is. */
typedef int (*BusOpen)(sd_bus **ret, const char *description);

/* Connects, or tries until it can. */
BusConnection *bus_connection_new(sd_event *event,
        BusOpen open,
        const char *name,
        const BusConnectionHandlers *handlers,
        void *userdata);
BusConnection *bus_connection_free(BusConnection *connection);

/* From now on the name is asked for, now and on each new connection. */
void bus_connection_own_name(BusConnection *connection);

/* Whether clients find us by our name. */
bool bus_connection_owns_name(const BusConnection *connection);

/* Never NULL once one could be made. Borrowed. */
sd_bus *bus_connection_bus(const BusConnection *connection);
