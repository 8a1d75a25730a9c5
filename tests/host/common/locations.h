/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the registry says, by way of D-Bus, as texts that are easily compared. */

#include "client.h"

/* GetLocation; NULL for NoSuchAgent. */
char *location_of(Client *client, const char *id);
void location_expect(Client *client, const char *id, const char *address);

/* GetHostLoad: "host-1=2 host-2=1", sorted. */
char *location_load(Client *client);
void location_expect_load(Client *client, const char *expected);

/* GetHostAgents: "a1 a2", sorted. */
char *location_members(Client *client, const char *hostname);
void location_expect_members(Client *client, const char *hostname, const char *expected);

/* IsAgentRunning. */
bool location_is_running(Client *client, const char *id);

/* The address of this host. */
char *location_here(Client *client);
