/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* agenthostd's side of proto/launcher.h: one connection, made again when it breaks, every call asynchronous
 * with a limit of its own. While the launcher is away, calls are held and sent when it serves again, unless
 * it stays away for longer than a few seconds. Those that were sent and are unanswered when the connection
 * breaks fail, unless the launcher has said that it executes itself again: then they are held too. What the
 * launcher says by itself comes through LauncherHandlers; launcher-sync.c uses them to bring both sides
 * together after each connect. */

#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "fault.h"
#include "launcher-call.h"
#include "launcher-signals.h"
#include "proto/paths.h"

typedef struct LauncherClient LauncherClient;

/* Begins to connect. The paths are borrowed. */
LauncherClient *launcher_client_new(
        sd_event *event, const Paths *paths, const LauncherHandlers *handlers, void *userdata);

/* Calls that the client keeps are answered with a fault, those that others keep are freed. */
LauncherClient *launcher_client_free(LauncherClient *client);

bool launcher_client_is_connected(const LauncherClient *client);

/* Whether it serves, or is to be expected to do so again in a moment: calls can be made. */
bool launcher_client_is_usable(const LauncherClient *client);

/* Both sides have been brought together: the held calls are sent, further ones at once. */
void launcher_client_resume(LauncherClient *client);

/* A message for the launcher, to be filled in. -ENOTCONN while it cannot be used. */
int launcher_client_message(LauncherClient *client, const char *member, sd_bus_message **ret);

/* Sends it. ret_call: where the caller keeps the call, set NULL before the callback runs; NULL: the client
 * keeps it. On failure nothing was sent and the callback does not come. */
int launcher_client_call(LauncherClient *client,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault);

/* The same for bringing both sides together: at once, or not at all. */
int launcher_client_call_now(LauncherClient *client,
        sd_bus_message *m,
        uint64_t limit_usec,
        LauncherDone done,
        void *userdata,
        LauncherCall **ret_call,
        Fault *fault);

/* Without an answer, at once, or not at all. */
int launcher_client_send(LauncherClient *client, sd_bus_message *m);

/* What is said of a message that could not be made or sent. Returns what fault_set() does. */
int launcher_client_unreachable(const LauncherClient *client, int error, Fault *fault);
