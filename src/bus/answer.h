/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answers to calls, and what becomes of those that cannot be sent, for want of memory say: somebody waits
 * for them, perhaps for ever. Then the connection is broken off, as if its other side had done it: whoever
 * waits hears of that, both sides look at everything again once they are connected again. Used wherever an
 * answer or a signal is the only word that there will be. A handler that answers before it returns needs
 * none of this: sd-bus turns what it returns into an answer. */

#include <systemd/sd-bus.h>

/* Of what sending has returned; returns it. Nothing happens to a connection that is broken already. */
int bus_check_sent(sd_bus *bus, int r);

/* As sd_bus_reply_method_return(). */
int bus_answer(sd_bus_message *call, const char *types, ...);

/* As sd_bus_send() for an answer. */
int bus_send_answer(sd_bus_message *answer);
