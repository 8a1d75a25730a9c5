/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The socket that peers connect to. Used by server.c. */

#include "fault.h"

/* address: numeric, "[...]" allowed; NULL or "": all, of IPv6 and IPv4, as far as this host has them. port
 * 0: any. Returns the descriptor, and the port. Fault: Failed. */
int server_listen(const char *address, unsigned port, unsigned *ret_port, Fault *fault);
