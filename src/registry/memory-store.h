/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the memory registry knows, in the shape in which Redis has it: the location of each id, the set of
 * ids of each host, a counter. Several registries may share one. No events, no clock. */

#include <glib.h>

#include "macros.h"

typedef struct MemoryStore MemoryStore;

MemoryStore *memory_store_new(void);
MemoryStore *memory_store_free(MemoryStore *store);

/* NULL: it is nowhere. The store's, until the next change. */
const char *memory_store_find(MemoryStore *store, const char *id);

/* Location and set; out of the set of the host that had it before. */
void memory_store_register(MemoryStore *store, const char *id, const char *address);

/* Only what is at this address. Returns whether it was. */
bool memory_store_deregister(MemoryStore *store, const char *id, const char *address);

/* The location alone is lost, as when a key of Redis expires. */
void memory_store_expire(MemoryStore *store, const char *id);

/* Each host that has agents, with how many. */
typedef void (*MemoryStoreHost)(const char *hostname, unsigned n_agents, void *userdata);
void memory_store_each_host(MemoryStore *store, MemoryStoreHost each, void *userdata);

/* NULL-terminated; the array is the caller's (g_free), the ids are the store's until the next change. */
const char **memory_store_members(MemoryStore *store, const char *hostname);

/* Takes out of all sets what has no location there, and returns what has none at all; the caller's
 * (g_strfreev). */
char **memory_store_cleanup(MemoryStore *store);

/* Counts up and returns the count. */
uint64_t memory_store_turn(MemoryStore *store);
void memory_store_reset_turn(MemoryStore *store);
