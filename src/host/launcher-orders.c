/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-orders.h"

#include <string.h>

#include "answer.h"
#include "log-host.h"
#include "log.h"

#define STOP_CALL_LIMIT_USEC (10 * USEC_PER_SEC)

int launcher_order_acknowledge(LauncherClient *c, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* What is not acknowledged now comes again in the next List. */
        if (!launcher_client_is_connected(c))
                return 0;
        r = launcher_client_message(c, LAUNCHER_ACKNOWLEDGE, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_ACKNOWLEDGE_IN, 1, unit);
        if (r >= 0)
                r = launcher_client_send(c, m);
        if (r < 0)
                log_warning("Cannot acknowledge the end of %s: %s", unit, strerror(-r));
        return r;
}

void launcher_order_settle(LauncherClient *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = launcher_client_message(c, LAUNCHER_SETTLE, &m);
        if (r >= 0)
                r = bus_check_sent(sd_bus_message_get_bus(m), launcher_client_send(c, m));
        if (r < 0)
                log_warning("Cannot send " LAUNCHER_SETTLE ": %s", strerror(-r));
}

static void on_stopped(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        g_autofree char *unit = userdata;

        (void)reply;

        /* When it is back, it is asked again by launcher-sync.c. */
        if (fault && fault->kind != FAULT_LAUNCHER_UNAVAILABLE)
                log_warning("Stopping %s was refused: %s", unit, fault_text(fault));
}

int launcher_order_stop(LauncherClient *c, const char *unit, uint64_t timeout_usec, Fault *fault)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char *copy;
        int r;

        r = launcher_client_message(c, LAUNCHER_STOP, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_STOP_IN, unit, timeout_usec);
        if (r < 0)
                return launcher_client_unreachable(c, r, fault);

        copy = g_strdup(unit);
        r = launcher_client_call(c, m, STOP_CALL_LIMIT_USEC, on_stopped, copy, NULL, fault);
        if (r < 0)
                g_free(copy);
        return r;
}

int launcher_order_end_now(LauncherClient *c, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!launcher_client_is_connected(c))
                return -ENOTCONN;
        r = launcher_client_message(c, LAUNCHER_STOP, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_STOP_IN, unit, UINT64_C(0));
        return r < 0 ? r : launcher_client_send(c, m);
}

void launcher_order_extend(LauncherClient *c, const char *unit, uint64_t timeout_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* After a reconnect the stop is asked for again, with what is left of its time. */
        if (!launcher_client_is_connected(c))
                return;
        r = launcher_client_message(c, LAUNCHER_EXTEND, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, LAUNCHER_EXTEND_IN, unit, timeout_usec);
        if (r >= 0)
                r = launcher_client_send(c, m);
        if (r < 0)
                log_warning("Cannot extend the time to stop of %s: %s", unit, strerror(-r));
}
