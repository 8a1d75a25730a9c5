/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the other hosts say of themselves (host_status:{hostname}), as the registry had it at the last
 * heartbeat: how many agents they have, how many they take, and whether they drain. Nobody is asked when it
 * is needed, so it may be a heartbeat old: good enough to ask others first, and no proof. Used by select.c,
 * and for GetHostStatuses. */

#include "discovery.h"
#include "registry.h"

typedef struct HostStatus {
        unsigned n_agents;
        unsigned capacity; /* 0: not known */
        bool draining;
} HostStatus;

/* Whether it would take no agent. */
bool host_status_is_full(const HostStatus *status);

typedef struct HostStatuses HostStatuses;

HostStatuses *host_statuses_new(void);

/* Before the registry that was asked. */
HostStatuses *host_statuses_free(HostStatuses *statuses);

/* So many hosts are asked about at a time; the others have their turn the next times. */
#define HOST_STATUSES_AT_ONCE 256u

/* Asks about these hosts but self (may be NULL), all at once; with each heartbeat. What is said counts for
 * valid_usec. If an answer has not come yet, nothing happens. */
void host_statuses_ask(HostStatuses *statuses,
        Registry *registry,
        const DiscoveryHost *hosts,
        size_t n,
        const DiscoveryHost *self,
        uint64_t valid_usec);

/* All that has been said: it was in a registry that is not asked any more. */
void host_statuses_forget(HostStatuses *statuses);

/* False: it has said nothing, or not for long. */
bool host_statuses_find(
        const HostStatuses *statuses, const char *hostname, uint64_t now_usec, HostStatus *ret);

/* The hosts that would take no agent, one after the other, from *i = 0 on; NULL: these were all. now_usec:
 * of the monotonic clock. */
const char *host_statuses_next_unwilling(
        const HostStatuses *statuses, uint64_t now_usec, size_t *i, HostStatus *ret);
