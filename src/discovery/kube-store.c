/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store.h"

#include "log.h"

/* Warnings that are remembered, so that they are not said again. */
#define SAID_MAX 1000u

typedef struct Objects {
        GHashTable *by_name; /* name (owned) -> HostEntries */
        size_t n_entries;
} Objects;

struct KubeStore {
        const KubeSource *source;
        const KubeTarget *target;
        Objects *current;
        Objects *listed; /* NULL: no list is being read */
        GHashTable *said;
};

static void free_entries(void *entries)
{
        host_entries_free(entries);
}

static Objects *objects_new(void)
{
        Objects *o = g_new0(Objects, 1);

        o->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_entries);
        return o;
}

static Objects *objects_free(Objects *o)
{
        if (!o)
                return NULL;

        g_hash_table_unref(o->by_name);
        g_free(o);
        return NULL;
}

KubeStore *kube_store_new(const KubeSource *source, const KubeTarget *target)
{
        KubeStore *s = g_new0(KubeStore, 1);

        *s = (KubeStore){
                .source = source,
                .target = target,
                .current = objects_new(),
                .said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        return s;
}

KubeStore *kube_store_free(KubeStore *s)
{
        if (!s)
                return NULL;

        objects_free(s->current);
        objects_free(s->listed);
        g_hash_table_unref(s->said);
        g_free(s);
        return NULL;
}

void kube_store_begin(KubeStore *s)
{
        kube_store_abort(s);
        s->listed = objects_new();
}

void kube_store_commit(KubeStore *s)
{
        objects_free(s->current);
        s->current = steal_ptr(s->listed);
}

void kube_store_abort(KubeStore *s)
{
        s->listed = objects_free(s->listed);
}

void kube_store_say_once(KubeStore *s, const char *text)
{
        if (g_hash_table_contains(s->said, text) || g_hash_table_size(s->said) >= SAID_MAX)
                return;
        log_warning("Discovery: %s", text);
        g_hash_table_add(s->said, g_strdup(text));
}

static void remove_object(Objects *o, const char *name)
{
        HostEntries *entries = g_hash_table_lookup(o->by_name, name);

        if (!entries)
                return;
        o->n_entries -= host_entries_size(entries);
        g_hash_table_remove(o->by_name, name);
}

static int add_object(Objects *o, const char *name, HostEntries **entries, Fault *fault)
{
        size_t n = host_entries_size(*entries);

        remove_object(o, name);
        if (n > KUBE_ENTRIES_MAX - o->n_entries || g_hash_table_size(o->by_name) >= KUBE_OBJECTS_MAX)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "more than %u hosts in at most %u objects cannot be kept", KUBE_ENTRIES_MAX,
                        KUBE_OBJECTS_MAX);
        g_hash_table_insert(o->by_name, g_strdup(name), steal_ptr(*entries));
        o->n_entries += n;
        return 0;
}

int kube_store_put(KubeStore *s, struct json_object *object, Fault *fault)
{
        _cleanup_(host_entries_freep) HostEntries *entries = host_entries_new();
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        KubeReader reader = { .target = s->target, .entries = entries, .warnings = warnings };
        const char *name;
        int r;

        r = kube_object_name(object, &name, fault);
        if (r >= 0)
                r = s->source->belongs(object, s->target, fault);
        if (r < 0)
                return r;
        if (r == 0) {
                g_autofree char *text = g_strdup_printf(
                        "%s that were not asked for have come; they are left out", s->source->what);

                kube_store_say_once(s, text);
                return 0;
        }

        r = s->source->read(object, &reader, fault);
        for (guint i = 0; i < warnings->len; i++)
                kube_store_say_once(s, warnings->pdata[i]);
        return r < 0 ? r : add_object(s->listed ? s->listed : s->current, name, &entries, fault);
}

int kube_store_remove(KubeStore *s, struct json_object *object, Fault *fault)
{
        const char *name;
        int r;

        r = kube_object_name(object, &name, fault);
        if (r >= 0)
                remove_object(s->current, name);
        return r < 0 ? r : 0;
}

HostList *kube_store_hosts(const KubeStore *s)
{
        g_autoptr(GPtrArray) sets = g_ptr_array_new();
        GHashTableIter i;
        gpointer entries;

        g_hash_table_iter_init(&i, s->current->by_name);
        while (g_hash_table_iter_next(&i, NULL, &entries))
                g_ptr_array_add(sets, entries);
        return host_list_new(sets);
}
