/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may act: root, our own user and members of group agenthost. The bus tells who a caller is
 * (GetConnectionCredentials, asked asynchronously); the answer is kept, as a unique name belongs to one
 * connection for as long as the bus lives. */

#include <systemd/sd-bus.h>

typedef struct Access Access;

/* Looks up the group once (NSS may block, which only the start may). The bus is borrowed. */
Access *access_new(sd_bus *bus);
Access *access_free(Access *access);

/* Calls handler(call, userdata, error) if the caller may act, at once or when the bus has answered; else the
 * caller gets AccessDenied. For a method handler to return: its result is what sd-bus expects. */
int access_require(Access *access,
        sd_bus_message *call,
        sd_bus_message_handler_t handler,
        void *userdata,
        sd_bus_error *error);

/* The bus was restarted: names may now be somebody else's. */
void access_flush(Access *access);
