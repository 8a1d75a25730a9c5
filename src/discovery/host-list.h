/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a source knows of hosts, as entries, and the list that is made of them: sorted, each hostname once.
 * Used by the backends. */

#include <glib.h>

#include "discovery.h"

/* Which of a host's addresses is preferred; the first one. */
typedef enum HostFamily {
        HOST_FAMILY_IPV4,
        HOST_FAMILY_IPV6,
        HOST_FAMILY_NAME,
} HostFamily;

typedef struct HostEntry {
        const char *hostname;
        const char *ip;
        const char *zone;
        const char *node;
        HostFamily family;
        unsigned port;
        bool ready;
        bool serving;
} HostEntry;

/* Entries that come and go together: those of one EndpointSlice. They own their texts. */
typedef struct HostEntries {
        GArray *entries; /* HostEntry */
        GStringChunk *texts;
} HostEntries;

HostEntries *host_entries_new(void);
HostEntries *host_entries_free(HostEntries *entries);
static inline void host_entries_freep(HostEntries **entries)
{
        host_entries_free(*entries);
}

/* Copies it; texts that are NULL become "". */
void host_entries_add(HostEntries *entries, const HostEntry *entry);
/* The same with what is known from an address: a host that is always ready. Fault: InvalidArgs. */
int host_entries_add_address(HostEntries *entries, const char *address, Fault *fault);

size_t host_entries_size(const HostEntries *entries);

typedef struct HostList {
        DiscoveryHost *hosts;
        size_t n;
        GStringChunk *texts;
} HostList;

/* sets: of HostEntries. Of entries of one hostname, a ready one counts before one that only serves, that one
 * before any other; then the family, then the lower address. */
HostList *host_list_new(const GPtrArray *sets);
HostList *host_list_free(HostList *list);

bool host_list_equal(const HostList *a, const HostList *b);
const DiscoveryHost *host_list_find(const HostList *list, const char *hostname);
