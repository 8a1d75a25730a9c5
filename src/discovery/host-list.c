/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-list.h"

#include <arpa/inet.h>
#include <string.h>

#include "host-address.h"

/* Bytes that GStringChunk takes at a time. */
#define ENTRY_CHUNK 512
#define LIST_CHUNK 4096

HostEntries *host_entries_new(void)
{
        HostEntries *e = g_new0(HostEntries, 1);

        e->entries = g_array_new(FALSE, FALSE, sizeof(HostEntry));
        e->texts = g_string_chunk_new(ENTRY_CHUNK);
        return e;
}

HostEntries *host_entries_free(HostEntries *e)
{
        if (!e)
                return NULL;

        g_array_unref(e->entries);
        g_string_chunk_free(e->texts);
        g_free(e);
        return NULL;
}

static const char *keep(GStringChunk *texts, const char *text)
{
        return text && *text ? g_string_chunk_insert(texts, text) : "";
}

/* Of which there are few different ones. */
static const char *keep_once(GStringChunk *texts, const char *text)
{
        return text && *text ? g_string_chunk_insert_const(texts, text) : "";
}

void host_entries_add(HostEntries *e, const HostEntry *entry)
{
        HostEntry copy = *entry;

        copy.hostname = keep(e->texts, entry->hostname);
        copy.ip = keep(e->texts, entry->ip);
        copy.zone = keep_once(e->texts, entry->zone);
        copy.node = keep_once(e->texts, entry->node);
        g_array_append_val(e->entries, copy);
}

static HostFamily family_of(const char *ip)
{
        unsigned char ignored[sizeof(struct in6_addr)];

        if (inet_pton(AF_INET, ip, ignored) == 1)
                return HOST_FAMILY_IPV4;
        return inet_pton(AF_INET6, ip, ignored) == 1 ? HOST_FAMILY_IPV6 : HOST_FAMILY_NAME;
}

int host_entries_add_address(HostEntries *entries, const char *address, Fault *fault)
{
        g_autofree char *hostname = NULL, *ip = NULL;
        HostEntry entry = { .ready = true, .serving = true };
        size_t n;
        int r;

        r = host_address_check(address, fault);
        if (r < 0)
                return r;

        n = host_address_hostname_length(address);
        hostname = g_strndup(address, n);
        ip = hostname[0] == '[' ? g_strndup(hostname + 1, n - 2) : g_strdup(hostname);
        entry.hostname = hostname;
        entry.family = family_of(ip);
        entry.ip = entry.family == HOST_FAMILY_NAME ? NULL : ip;
        entry.port = host_address_port(address);
        host_entries_add(entries, &entry);
        return 0;
}

size_t host_entries_size(const HostEntries *e)
{
        return e->entries->len;
}

static int compare_bool(bool a, bool b)
{
        return (int)b - (int)a;
}

/* By hostname; the one that counts comes first. */
static int compare_entries(const void *a, const void *b)
{
        const HostEntry *x = *(const HostEntry *const *)a, *y = *(const HostEntry *const *)b;
        int r = strcmp(x->hostname, y->hostname);

        if (r == 0)
                r = compare_bool(x->ready, y->ready);
        if (r == 0)
                r = compare_bool(x->serving, y->serving);
        if (r == 0)
                r = (int)x->family - (int)y->family;
        if (r == 0)
                r = strcmp(x->ip, y->ip);
        /* What follows decides nothing of interest, but the same on all hosts. */
        if (r == 0)
                r = strcmp(x->node, y->node);
        if (r == 0)
                r = strcmp(x->zone, y->zone);
        return r != 0 ? r : (int)x->port - (int)y->port;
}

static GPtrArray *sort_entries(const GPtrArray *sets)
{
        GPtrArray *all = g_ptr_array_new();

        for (guint i = 0; i < sets->len; i++) {
                const HostEntries *e = sets->pdata[i];

                for (guint j = 0; j < e->entries->len; j++)
                        g_ptr_array_add(all, &g_array_index(e->entries, HostEntry, j));
        }
        if (all->len > 0)
                qsort(all->pdata, all->len, sizeof(*all->pdata), compare_entries);
        return all;
}

static void add_host(HostList *l, const HostEntry *e)
{
        char address[300];

        (void)snprintf(address, sizeof(address), "%s:%u", e->hostname, e->port);
        l->hosts[l->n++] = (DiscoveryHost){
                .hostname = g_string_chunk_insert(l->texts, e->hostname),
                .address = g_string_chunk_insert(l->texts, address),
                .ip = keep(l->texts, e->ip),
                .zone = keep_once(l->texts, e->zone),
                .node = keep_once(l->texts, e->node),
                .ready = e->ready,
                .serving = e->serving,
        };
}

HostList *host_list_new(const GPtrArray *sets)
{
        g_autoptr(GPtrArray) all = sort_entries(sets);
        HostList *l = g_new0(HostList, 1);
        const HostEntry *last = NULL;

        l->texts = g_string_chunk_new(LIST_CHUNK);
        l->hosts = g_new(DiscoveryHost, all->len);
        for (guint i = 0; i < all->len; i++) {
                const HostEntry *e = all->pdata[i];

                if (!last || strcmp(last->hostname, e->hostname) != 0)
                        add_host(l, e);
                last = e;
        }
        return l;
}

HostList *host_list_free(HostList *l)
{
        if (!l)
                return NULL;

        g_free(l->hosts);
        g_string_chunk_free(l->texts);
        g_free(l);
        return NULL;
}

static bool host_equal(const DiscoveryHost *a, const DiscoveryHost *b)
{
        return a->ready == b->ready && a->serving == b->serving && strcmp(a->address, b->address) == 0 &&
                strcmp(a->ip, b->ip) == 0 && strcmp(a->zone, b->zone) == 0 && strcmp(a->node, b->node) == 0;
}

bool host_list_equal(const HostList *a, const HostList *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!host_equal(&a->hosts[i], &b->hosts[i]))
                        return false;
        return true;
}

static int compare_hostname(const void *hostname, const void *host)
{
        return strcmp(hostname, ((const DiscoveryHost *)host)->hostname);
}

const DiscoveryHost *host_list_find(const HostList *l, const char *hostname)
{
        return l->n > 0 ? bsearch(hostname, l->hosts, l->n, sizeof(*l->hosts), compare_hostname) : NULL;
}
