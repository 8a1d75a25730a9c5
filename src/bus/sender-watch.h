/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells when the sender of a call has left the bus: who works for him for longer can stop then. A match for
 * each, so not for what is answered at once. */

#include <systemd/sd-bus.h>

typedef struct SenderWatch SenderWatch;

/* At most once, from the loop. May free the watch. */
typedef void (*SenderGone)(void *userdata);

int sender_watch_new(sd_bus_message *call, SenderGone gone, void *userdata, SenderWatch **ret);
SenderWatch *sender_watch_free(SenderWatch *watch);
