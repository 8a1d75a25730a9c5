/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-backend.h"

#include <glib.h>
#include <string.h>

#include "host-address.h"
#include "memory.h"
#include "redis.h"

const char *registry_state_name(RegistryState state)
{
        static const char *const names[_REGISTRY_STATE_MAX] = {
                [REGISTRY_OK] = "ok",
                [REGISTRY_STALE] = "stale",
                [REGISTRY_DOWN] = "down",
                [REGISTRY_OFF] = "off",
        };

        return names[state];
}

const char *location_state_name(LocationState state)
{
        static const char *const names[_LOCATION_STATE_MAX] = {
                [LOCATION_OFF] = "off",
                [LOCATION_PENDING] = "pending",
                [LOCATION_REGISTERED] = "registered",
                [LOCATION_LOST] = "lost",
        };

        return names[state];
}

int registry_new(sd_event *event,
        const RegistrySettings *settings,
        const char *address,
        const char *former_address,
        const RegistryHandlers *handlers,
        void *userdata,
        Registry **ret,
        Fault *fault)
{
        int r;

        r = host_address_check(address, fault);
        if (r < 0)
                return r;
        if (settings->url)
                return registry_redis_new(
                        event, settings, address, former_address, handlers, userdata, ret, fault);

        *ret = registry_memory_new(event, NULL, address, handlers, userdata);
        return 0;
}

void registry_init(Registry *registry,
        const RegistryOps *ops,
        sd_event *event,
        const char *address,
        const RegistryHandlers *handlers,
        void *userdata)
{
        *registry = (Registry){
                .ops = ops,
                .event = sd_event_ref(event),
                .handlers = *handlers,
                .userdata = userdata,
                .address = g_strdup(address),
                .hostname = g_strndup(address, host_address_hostname_length(address)),
                .state = REGISTRY_DOWN,
        };
}

void registry_done(Registry *registry)
{
        g_free(registry->address);
        g_free(registry->hostname);
        sd_event_unref(registry->event);
}

static void answer_all(Registry *registry)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_REGISTRY_UNAVAILABLE,
                "The registry is being closed, as agenthostd stops or changes its settings; ask again");
        while (registry->calls) {
                RegistryCall *call = registry->calls;

                registry->ops->cancelled(registry, call);
                registry_call_finish(call, NULL, &fault);
        }
}

Registry *registry_free(Registry *registry)
{
        if (!registry)
                return NULL;

        answer_all(registry);
        registry->ops->free(registry);
        return NULL;
}

RegistryState registry_state(const Registry *registry)
{
        return registry->state;
}

const char *registry_address(const Registry *registry)
{
        return registry->address;
}

void registry_set_state(Registry *registry, RegistryState state, const Fault *why)
{
        if (registry->state == state)
                return;

        registry->state = state;
        registry->handlers.state_changed(state, why, registry->userdata);
}

void registry_tell_renewed(Registry *registry)
{
        if (registry->handlers.renewed)
                registry->handlers.renewed(registry->userdata);
}

void registry_tell_location(
        Registry *registry, const char *id, LocationState state, const RegistryConflict *conflict)
{
        registry->handlers.location_changed(id, state, conflict, registry->userdata);
}

void registry_observe(Registry *registry, RegistryEvent event, uint64_t usec)
{
        if (registry->handlers.observed)
                registry->handlers.observed(event, usec, registry->userdata);
}

int registry_fault_exists(Fault *fault, const char *id, const char *address)
{
        return fault_set(fault, FAULT_AGENT_EXISTS,
                "Agent %s already exists on host %s; stop it there, choose another id, or move it here with "
                "option takeover",
                id, address);
}

LocationState registry_put(Registry *registry, const char *id)
{
        return registry->ops->put(registry, id);
}

void registry_drop(Registry *registry, const char *id)
{
        registry->ops->drop(registry, id);
}

void registry_keep_spec(Registry *registry, const char *id)
{
        registry->ops->keep_spec(registry, id);
}

void registry_orphan_done(Registry *registry, const char *id, bool placed)
{
        registry->ops->orphan_done(registry, id, placed);
}

void registry_describe(Registry *registry, const RegistryHostInfo *info)
{
        registry->ops->describe(registry, info);
}
