/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The hosts of the fleet, as discovery has them. Answered from memory. */

#include "discovery.h"

/* The hosts, as ListHosts tells them. Valid until the loop goes on. Fault: DiscoveryUnavailable, when there
 * has been no list yet. */
int fleet_hosts(const Discovery *discovery, const DiscoveryHost **ret_hosts, size_t *ret_n, Fault *fault);

/* Which of them is this host: the one named so, else the one with its address. NULL: none. */
const DiscoveryHost *fleet_self(const Discovery *discovery, const char *hostname, const char *address);
