/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-store.h"

#include <string.h>

#include "host-address.h"

struct MemoryStore {
        GHashTable *locations; /* id -> address, owned */
        GHashTable *hosts; /* hostname -> set of ids, owned; none is empty */
        uint64_t turn;
};

MemoryStore *memory_store_new(void)
{
        MemoryStore *s = g_new0(MemoryStore, 1);

        *s = (MemoryStore){
                .locations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .hosts = g_hash_table_new_full(
                        g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref),
        };
        return s;
}

MemoryStore *memory_store_free(MemoryStore *s)
{
        if (!s)
                return NULL;

        g_hash_table_unref(s->locations);
        g_hash_table_unref(s->hosts);
        g_free(s);
        return NULL;
}

const char *memory_store_find(MemoryStore *s, const char *id)
{
        return g_hash_table_lookup(s->locations, id);
}

static char *hostname_of(const char *address)
{
        return g_strndup(address, host_address_hostname_length(address));
}

static void set_add(MemoryStore *s, const char *address, const char *id)
{
        g_autofree char *hostname = hostname_of(address);
        GHashTable *ids = g_hash_table_lookup(s->hosts, hostname);

        if (!ids) {
                ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                g_hash_table_insert(s->hosts, g_steal_pointer(&hostname), ids);
        }
        g_hash_table_add(ids, g_strdup(id));
}

static void set_remove(MemoryStore *s, const char *address, const char *id)
{
        g_autofree char *hostname = hostname_of(address);
        GHashTable *ids = g_hash_table_lookup(s->hosts, hostname);

        if (!ids)
                return;
        g_hash_table_remove(ids, id);
        if (g_hash_table_size(ids) == 0)
                g_hash_table_remove(s->hosts, hostname);
}

void memory_store_register(MemoryStore *s, const char *id, const char *address)
{
        const char *before = memory_store_find(s, id);

        if (before && strcmp(before, address) == 0)
                return;
        if (before)
                set_remove(s, before, id);
        set_add(s, address, id);
        g_hash_table_insert(s->locations, g_strdup(id), g_strdup(address));
}

bool memory_store_deregister(MemoryStore *s, const char *id, const char *address)
{
        const char *before = memory_store_find(s, id);

        if (!before || strcmp(before, address) != 0)
                return false;
        set_remove(s, address, id);
        g_hash_table_remove(s->locations, id);
        return true;
}

void memory_store_expire(MemoryStore *s, const char *id)
{
        g_hash_table_remove(s->locations, id);
}

void memory_store_each_host(MemoryStore *s, MemoryStoreHost each, void *userdata)
{
        gpointer hostname, ids;
        GHashTableIter i;

        g_hash_table_iter_init(&i, s->hosts);
        while (g_hash_table_iter_next(&i, &hostname, &ids))
                each(hostname, g_hash_table_size(ids), userdata);
}

const char **memory_store_members(MemoryStore *s, const char *hostname)
{
        GHashTable *ids = g_hash_table_lookup(s->hosts, hostname);

        return ids ? (const char **)g_hash_table_get_keys_as_array(ids, NULL) : g_new0(const char *, 1);
}

/* Of those that another host has only the place in this set was left. */
static void clean_set(MemoryStore *s, const char *hostname, GHashTable *ids, GHashTable *removed)
{
        size_t n = strlen(hostname);
        GHashTableIter i;
        gpointer id;

        g_hash_table_iter_init(&i, ids);
        while (g_hash_table_iter_next(&i, &id, NULL)) {
                const char *address = memory_store_find(s, id);

                if (address && host_address_hostname_length(address) == n &&
                        memcmp(address, hostname, n) == 0)
                        continue;
                if (!address && !g_hash_table_contains(removed, id))
                        g_hash_table_add(removed, g_strdup(id));
                g_hash_table_iter_remove(&i);
        }
}

char **memory_store_cleanup(MemoryStore *s)
{
        g_autoptr(GHashTable) removed = g_hash_table_new(g_str_hash, g_str_equal);
        gpointer hostname, ids;
        GHashTableIter i;

        g_hash_table_iter_init(&i, s->hosts);
        while (g_hash_table_iter_next(&i, &hostname, &ids)) {
                clean_set(s, hostname, ids, removed);
                if (g_hash_table_size(ids) == 0)
                        g_hash_table_iter_remove(&i);
        }
        return (char **)g_hash_table_get_keys_as_array(removed, NULL);
}

uint64_t memory_store_turn(MemoryStore *s)
{
        return ++s->turn;
}

void memory_store_reset_turn(MemoryStore *s)
{
        s->turn = 0;
}
