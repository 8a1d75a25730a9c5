/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <string.h>

#include "host-address.h"
#include "registry-backend.h"

typedef struct Memory {
        Registry registry; /* first */
        MemoryStore *store;
        bool owns_store;
} Memory;

static MemoryStore *store_of(Registry *registry)
{
        return ((Memory *)registry)->store;
}

static void memory_free(Registry *registry)
{
        Memory *m = (Memory *)registry;

        if (m->owns_store)
                memory_store_free(m->store);
        registry_done(registry);
        g_free(m);
}

/* NULL: nobody else has it. */
static const char *find_other(Registry *registry, const char *id)
{
        const char *address = memory_store_find(store_of(registry), id);

        return address && !host_address_is_same_host(address, registry->address) ? address : NULL;
}

static LocationState memory_put(Registry *registry, const char *id)
{
        if (find_other(registry, id))
                return LOCATION_LOST;

        memory_store_register(store_of(registry), id, registry->address);
        return LOCATION_OFF;
}

static void memory_drop(Registry *registry, const char *id)
{
        (void)memory_store_deregister(store_of(registry), id, registry->address);
}

/* Nobody else looks. */
static void memory_describe(Registry *registry, const RegistryHostInfo *info)
{
        (void)registry;
        (void)info;
}

/* Nor is there anybody to place an agent again. */
static void memory_keep_spec(Registry *registry, const char *id)
{
        (void)registry;
        (void)id;
}

static void memory_orphan_done(Registry *registry, const char *id, bool placed)
{
        (void)registry;
        (void)id;
        (void)placed;
}

static void memory_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *other = find_other(registry, id);

        if (other && !takeover) {
                registry_fault_exists(&fault, id, other);
                registry_call_finish(call, NULL, &fault);
                return;
        }

        memory_store_register(store_of(registry), id, registry->address);
        registry_call_finish(call, &(RegistryAnswer){ 0 }, NULL);
}

static void memory_find(Registry *registry, RegistryCall *call, const char *id)
{
        /* The callback may change the store. */
        g_autofree char *address = g_strdup(memory_store_find(store_of(registry), id));

        registry_call_finish(call, &(RegistryAnswer){ .address = address }, NULL);
}

static void add_load(const char *hostname, unsigned n_agents, void *userdata)
{
        RegistryLoad load = { .hostname = hostname, .n_agents = n_agents };

        g_array_append_val((GArray *)userdata, load);
}

static void memory_load(Registry *registry, RegistryCall *call)
{
        g_autoptr(GArray) load = g_array_new(false, false, sizeof(RegistryLoad));

        memory_store_each_host(store_of(registry), add_load, load);
        registry_call_finish(
                call, &(RegistryAnswer){ .load = (RegistryLoad *)load->data, .n_load = load->len }, NULL);
}

/* Those without agents are known too: there is nobody but us. */
static void memory_agents(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n)
{
        g_autofree RegistryLoad *load = g_new(RegistryLoad, n);
        size_t n_load = 0;

        for (size_t i = 0; i < n; i++) {
                g_autofree const char **ids = memory_store_members(store_of(registry), hostnames[i]);
                unsigned n_agents = g_strv_length((char **)ids);

                if (n_agents > 0 || strcmp(hostnames[i], registry->hostname) == 0)
                        load[n_load++] = (RegistryLoad){ .hostname = hostnames[i], .n_agents = n_agents };
        }
        registry_call_finish(call, &(RegistryAnswer){ .load = load, .n_load = n_load }, NULL);
}

/* Nobody tells that he is here, so nobody is known to have gone. */
static void memory_evict(Registry *registry, RegistryCall *call, const char *id, const char *address)
{
        (void)registry;
        (void)id;
        (void)address;

        registry_call_finish(call, &(RegistryAnswer){ 0 }, NULL);
}

static void memory_members(Registry *registry, RegistryCall *call, const char *hostname)
{
        g_autofree const char **ids = memory_store_members(store_of(registry), hostname);

        registry_call_finish(call, &(RegistryAnswer){ .ids = (char **)ids }, NULL);
}

static void memory_cleanup(Registry *registry, RegistryCall *call)
{
        g_auto(GStrv) ids = memory_store_cleanup(store_of(registry));

        registry_call_finish(call, &(RegistryAnswer){ .ids = ids }, NULL);
}

static void memory_turn(Registry *registry, RegistryCall *call)
{
        registry_call_finish(call, &(RegistryAnswer){ .turn = memory_store_turn(store_of(registry)) }, NULL);
}

static void memory_reset_turn(Registry *registry, RegistryCall *call)
{
        memory_store_reset_turn(store_of(registry));
        registry_call_finish(call, &(RegistryAnswer){ 0 }, NULL);
}

static void memory_flush(Registry *registry, RegistryCall *call)
{
        (void)registry;

        registry_call_finish(call, &(RegistryAnswer){ 0 }, NULL);
}

/* No call is ever open. */
static void memory_cancelled(Registry *registry, RegistryCall *call)
{
        (void)registry;
        (void)call;
}

static const RegistryOps memory_ops = {
        .free = memory_free,
        .put = memory_put,
        .drop = memory_drop,
        .describe = memory_describe,
        .keep_spec = memory_keep_spec,
        .orphan_done = memory_orphan_done,
        .claim = memory_claim,
        .find = memory_find,
        .load = memory_load,
        .agents = memory_agents,
        .evict = memory_evict,
        .members = memory_members,
        .cleanup = memory_cleanup,
        .turn = memory_turn,
        .reset_turn = memory_reset_turn,
        .flush = memory_flush,
        .cancelled = memory_cancelled,
};

Registry *registry_memory_new(sd_event *event,
        MemoryStore *store,
        const char *address,
        const RegistryHandlers *handlers,
        void *userdata)
{
        Memory *m = g_new0(Memory, 1);

        registry_init(&m->registry, &memory_ops, event, address, handlers, userdata);
        m->registry.state = REGISTRY_OFF;
        m->owns_store = store == NULL;
        m->store = store ? store : memory_store_new();
        return &m->registry;
}
