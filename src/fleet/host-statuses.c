/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-statuses.h"

#include <glib.h>

#include "log.h"
#include "time-util.h"

typedef struct Entry {
        char *hostname;
        HostStatus status;
        uint64_t until_usec; /* CLOCK_MONOTONIC */
} Entry;

struct HostStatuses {
        GHashTable *by_hostname; /* -> Entry, owned */
        GPtrArray *unwilling; /* those of them that would take no agent */
        RegistryCall *call;
        GPtrArray *asked; /* hostnames that it is about */
        size_t next; /* of the list of hosts: whose turn it is */
        uint64_t valid_usec;
};

bool host_status_is_full(const HostStatus *status)
{
        return status->capacity > 0 && status->n_agents >= status->capacity;
}

static void entry_free(void *data)
{
        Entry *e = data;

        g_free(e->hostname);
        g_free(e);
}

HostStatuses *host_statuses_new(void)
{
        HostStatuses *s = g_new0(HostStatuses, 1);

        *s = (HostStatuses){
                .by_hostname = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free),
                .unwilling = g_ptr_array_new(),
                .asked = g_ptr_array_new_with_free_func(g_free),
        };
        return s;
}

HostStatuses *host_statuses_free(HostStatuses *s)
{
        if (!s)
                return NULL;

        registry_call_free(s->call);
        g_ptr_array_unref(s->asked);
        g_ptr_array_unref(s->unwilling);
        g_hash_table_unref(s->by_hostname);
        g_free(s);
        return NULL;
}

/* -- What has been said -- */

static gboolean is_outdated(gpointer key, gpointer value, gpointer userdata)
{
        (void)key;
        return ((const Entry *)value)->until_usec <= *(const uint64_t *)userdata;
}

static void list_unwilling(HostStatuses *s)
{
        GHashTableIter i;
        gpointer value;

        g_ptr_array_set_size(s->unwilling, 0);
        g_hash_table_iter_init(&i, s->by_hostname);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const HostStatus *status = &((const Entry *)value)->status;

                if (status->draining || host_status_is_full(status))
                        g_ptr_array_add(s->unwilling, value);
        }
}

static void take(HostStatuses *s, const RegistryLoad *said, uint64_t now)
{
        Entry *e = g_new(Entry, 1);

        *e = (Entry){
                .hostname = g_strdup(said->hostname),
                .status = { said->n_agents, said->capacity, said->draining },
                .until_usec = now + s->valid_usec,
        };
        g_hash_table_replace(s->by_hostname, e->hostname, e);
}

/* Of a host that says nothing any more, nothing is known. */
static void on_told(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        HostStatuses *s = userdata;

        if (fault)
                log_debug("What other hosts say of themselves cannot be read: %s", fault_text(fault));
        for (guint i = 0; answer && i < s->asked->len; i++)
                g_hash_table_remove(s->by_hostname, s->asked->pdata[i]);
        for (size_t i = 0; answer && i < answer->n_load; i++)
                take(s, &answer->load[i], now);

        g_hash_table_foreach_remove(s->by_hostname, is_outdated, &now);
        list_unwilling(s);
}

void host_statuses_forget(HostStatuses *s)
{
        s->call = registry_call_free(s->call);
        g_ptr_array_set_size(s->unwilling, 0);
        g_hash_table_remove_all(s->by_hostname);
}

/* -- Asking -- */

static void choose(HostStatuses *s, const DiscoveryHost *hosts, size_t n, const DiscoveryHost *self)
{
        g_ptr_array_set_size(s->asked, 0);
        for (size_t i = 0; i < n && s->asked->len < HOST_STATUSES_AT_ONCE; i++) {
                const DiscoveryHost *h = &hosts[s->next++ % n];

                if (h != self)
                        g_ptr_array_add(s->asked, g_strdup(h->hostname));
        }
}

void host_statuses_ask(HostStatuses *s,
        Registry *registry,
        const DiscoveryHost *hosts,
        size_t n,
        const DiscoveryHost *self,
        uint64_t valid_usec)
{
        if (s->call)
                return;

        choose(s, hosts, n, self);
        s->valid_usec = valid_usec;
        if (s->asked->len > 0)
                registry_agents(
                        registry, (const char *const *)s->asked->pdata, s->asked->len, on_told, s, &s->call);
}

/* -- Answers -- */

bool host_statuses_find(const HostStatuses *s, const char *hostname, uint64_t now, HostStatus *ret)
{
        const Entry *e = g_hash_table_lookup(s->by_hostname, hostname);

        if (!e || e->until_usec <= now)
                return false;
        *ret = e->status;
        return true;
}

const char *host_statuses_next_unwilling(const HostStatuses *s, uint64_t now, size_t *i, HostStatus *ret)
{
        while (*i < s->unwilling->len) {
                const Entry *e = s->unwilling->pdata[(*i)++];

                if (e->until_usec <= now)
                        continue;
                *ret = e->status;
                return e->hostname;
        }
        return NULL;
}
