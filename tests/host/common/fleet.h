/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The fleet of a host as all who know of it see it, at once: agenthostd, its files, systemd, the launcher's
 * files and the kernel. */

#include "client.h"

/* Waits until all agree: these agents are listed (ids of letters and digits, sorted: "a1 a2"), those of them
 * run, each as one process in its scope; no other process of ours is left over. agenthostd may be away
 * meanwhile. */
void fleet_wait(Client *client, const char *listed, const char *running);

/* Waits until there are no files either of agents that were listed once. */
void fleet_wait_forgotten(Client *client);
