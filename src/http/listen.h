/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The socket of a server. Used by the servers for peers and for metrics. */

#include "macros.h"

/* address: numeric, without brackets. for_all: it stands for all addresses, those of IPv4 too. port 0: any.
 * Returns the descriptor, and the port; -EINVAL for an address that is not numeric, or -errno. */
int http_listen(const char *address, unsigned port, bool for_all, unsigned *ret_port);
