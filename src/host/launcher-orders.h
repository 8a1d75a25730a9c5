/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agenthost-launcher is told to do without that anybody waits for the answer. Failures are logged here;
 * what is lost with a connection is looked at again by launcher-sync.c, which brings both sides together
 * after each connect. */

#include "launcher-client.h"

/* A negative errno if it could not be sent; without a connection that is none. */
int launcher_order_acknowledge(LauncherClient *client, const char *unit);

void launcher_order_settle(LauncherClient *client);

/* Held while the launcher is away, as any call. Fault: LauncherUnavailable. */
int launcher_order_stop(LauncherClient *client, const char *unit, uint64_t timeout_usec, Fault *fault);

/* Ends what may be left of a launch; -ENOTCONN while there is no connection. */
int launcher_order_end_now(LauncherClient *client, const char *unit);

/* A stop that is under way has at least so long from now. */
void launcher_order_extend(LauncherClient *client, const char *unit, uint64_t timeout_usec);
