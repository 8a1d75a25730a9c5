/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"
#include "registry-maker.h"

static void *memory_open(void)
{
        return memory_store_new();
}

static void memory_close(void *store)
{
        memory_store_free(store);
}

static Registry *memory_new(void *store,
        sd_event *event,
        const char *address,
        uint64_t ttl_usec,
        const RegistryHandlers *handlers,
        void *userdata)
{
        (void)ttl_usec;

        return registry_memory_new(event, store, address, handlers, userdata);
}

static void memory_expire(void *store, const char *id)
{
        memory_store_expire(store, id);
}

const RegistryMaker registry_maker = {
        .open = memory_open,
        .close = memory_close,
        .new_registry = memory_new,
        .expire = memory_expire,
};
