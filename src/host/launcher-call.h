/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A call of agenthost-launcher: in flight, or held while the launcher is away, in the list of its client.
 * Those who make calls know them by launcher-client.h; all but the first two functions are for
 * launcher-client.c. */

#include <systemd/sd-bus.h>

#include <glib.h>

#include "fault.h"

/* A call lives until answered; freeing it means that its callback never comes (what was asked for may happen
 * all the same). The callback is given the reply, positioned at its first argument, or the fault; the call
 * is gone when it runs. */
typedef struct LauncherCall LauncherCall;
typedef void (*LauncherDone)(sd_bus_message *reply, const Fault *fault, void *userdata);

LauncherCall *launcher_call_free(LauncherCall *call);

/* Of a call that is held: whether it has been sent once and what became of it is not known. */
bool launcher_call_is_in_doubt(const LauncherCall *call);

/* owner: what launcher_call_owner() returns. In no list yet. */
LauncherCall *launcher_call_new(
        void *owner, sd_bus_message *m, uint64_t limit_usec, LauncherDone done, void *userdata);
void *launcher_call_owner(const LauncherCall *call);

/* Puts it into a list. ret_call: where its maker keeps it, NULL again when it goes; NULL: nobody does. */
void launcher_call_enter(LauncherCall *call, LauncherCall **list, LauncherCall **ret_call);

/* on_reply is given the call. */
int launcher_call_send(LauncherCall *call, sd_bus *bus, sd_bus_message_handler_t on_reply);

/* It is not in flight any more. */
void launcher_call_hold(LauncherCall *call, bool in_doubt);

/* The same of one that has never been sent. */
int launcher_call_hold_new(LauncherCall *call);

/* Calls back, and frees the call. */
void launcher_call_finish(LauncherCall *call, sd_bus_message *reply, const Fault *fault);

/* One of a list that is held, or in flight; NULL: there is none. */
LauncherCall *launcher_call_find(LauncherCall *list, bool held);

/* All that are held, in the order in which they were made. Borrowed. */
GPtrArray *launcher_call_list_held(LauncherCall *list);

/* Of a list that ends: what its maker keeps is freed; all others are waited for by somebody who does not
 * know the client, and finish. */
void launcher_call_end_all(LauncherCall **list, const Fault *fault);
