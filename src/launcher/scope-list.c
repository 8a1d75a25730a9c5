/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope-list.h"

#include <string.h>

#define DESTINATION "org.freedesktop.systemd1"

int scope_list_request(sd_bus *bus,
        uint64_t limit_usec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, DESTINATION, "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "ListUnitsByPatterns");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "asas", 0, 1, "agent-*.scope");
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, ret_slot, m, done, userdata, limit_usec);
}

static int append_entry(ScopeList *l, size_t *allocated, const ScopeEntry *entry)
{
        if (l->n_entries == *allocated) {
                size_t n = *allocated ? 2 * *allocated : 64;
                ScopeEntry *grown = reallocarray(l->entries, n, sizeof(ScopeEntry));

                if (!grown)
                        return -ENOMEM;
                l->entries = grown;
                *allocated = n;
        }

        l->entries[l->n_entries++] = *entry;
        return 0;
}

static int compare_entries(const void *a, const void *b)
{
        const ScopeEntry *x = a, *y = b;

        return strcmp(x->unit, y->unit);
}

int scope_list_read(sd_bus_message *reply, ScopeList *ret)
{
        _cleanup_(scope_list_done) ScopeList l = { .message = sd_bus_message_ref(reply) };
        const char *active;
        size_t allocated = 0;
        ScopeEntry entry;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(reply, "(ssssssouso)", &entry.unit, NULL, NULL, &active, NULL, NULL,
                        NULL, &entry.job, NULL, NULL)) > 0) {
                entry.alive =
                        entry.job != 0 || (strcmp(active, "inactive") != 0 && strcmp(active, "failed") != 0);
                entry.started = strcmp(active, "active") == 0;
                r = append_entry(&l, &allocated, &entry);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        if (l.n_entries > 0)
                qsort(l.entries, l.n_entries, sizeof(ScopeEntry), compare_entries);
        *ret = l;
        l = (ScopeList){ 0 };
        return 0;
}

void scope_list_done(ScopeList *l)
{
        sd_bus_message_unref(l->message);
        free(l->entries);
        *l = (ScopeList){ 0 };
}

const ScopeEntry *scope_list_find(const ScopeList *l, const char *unit)
{
        const ScopeEntry key = { .unit = unit };

        if (l->n_entries == 0)
                return NULL;
        return bsearch(&key, l->entries, l->n_entries, sizeof(ScopeEntry), compare_entries);
}
