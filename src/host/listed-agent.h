/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An agent as the launcher lists it (List), and what is made of it here: it is one that we know, or one of
 * which only the launcher knows. Used by launcher-sync.c. */

#include "launcher-client.h"

/* Texts and descriptor are the message's. */
typedef struct ListedAgent {
        const char *unit, *agent_id, *guild_id, *runtime;
        uint32_t pid, phase;
        int pidfd;
        AgentEnd end;
} ListedAgent;

/* 1: one has been read; 0: there are no more; or a negative errno. */
int listed_agent_read(sd_bus_message *m, ListedAgent *ret);

void listed_agent_merge(const ListedAgent *agent, Host *host);
