/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-backend.h"

#include <glib.h>

#include "time-util.h"

static void call_release(RegistryCall *call)
{
        *call->at = call->next;
        if (call->next)
                call->next->at = call->at;
        if (call->holder)
                *call->holder = NULL;
        sd_event_source_disable_unref(call->timer);
        g_free(call);
}

RegistryCall *registry_call_free(RegistryCall *call)
{
        if (!call)
                return NULL;

        call->registry->ops->cancelled(call->registry, call);
        call_release(call);
        return NULL;
}

void registry_call_finish(RegistryCall *call, const RegistryAnswer *answer, const Fault *fault)
{
        RegistryDone done = call->done;
        void *userdata = call->userdata;

        call_release(call);
        done(answer, fault, userdata);
}

static int on_late(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        RegistryCall *call = userdata;

        (void)s;
        (void)usec;

        fault_set(&fault, FAULT_REGISTRY_UNAVAILABLE,
                "The registry has not answered in time; look at the Redis server and the network to it");
        call->registry->ops->cancelled(call->registry, call);
        registry_call_finish(call, NULL, &fault);
        return 0;
}

static RegistryCall *call_new(Registry *registry, RegistryDone done, void *userdata, RegistryCall **holder)
{
        RegistryCall *call = g_new0(RegistryCall, 1);

        *call = (RegistryCall){
                .registry = registry,
                .next = registry->calls,
                .at = &registry->calls,
                .holder = holder,
                .done = done,
                .userdata = userdata,
        };
        if (call->next)
                call->next->at = &call->next;
        registry->calls = call;
        *holder = call;
        return call;
}

/* The backend has been asked. Only what it has not answered yet needs a limit. */
static void call_asked(RegistryCall *call, uint64_t limit_usec, RegistryCall **ret_call)
{
        /* What has been answered may have taken its caller with it. */
        if (!call)
                return;

        if (ret_call)
                *ret_call = call;
        call->holder = ret_call;
        if (sd_event_add_time_relative(
                    call->registry->event, &call->timer, CLOCK_MONOTONIC, limit_usec, 0, on_late, call) < 0)
                g_error("Cannot arm a timer");
}

void registry_claim(Registry *registry,
        const char *id,
        bool takeover,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call)
{
        RegistryCall *open;

        registry->ops->claim(registry, call_new(registry, done, userdata, &open), id, takeover);
        call_asked(open, REGISTRY_CLAIM_LIMIT_USEC, ret_call);
}

void registry_find(
        Registry *registry, const char *id, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        RegistryCall *open;

        registry->ops->find(registry, call_new(registry, done, userdata, &open), id);
        call_asked(open, REGISTRY_CALL_LIMIT_USEC, ret_call);
}

void registry_evict(Registry *registry,
        const char *id,
        const char *address,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call)
{
        RegistryCall *open;

        registry->ops->evict(registry, call_new(registry, done, userdata, &open), id, address);
        call_asked(open, REGISTRY_CALL_LIMIT_USEC, ret_call);
}

void registry_members(
        Registry *registry, const char *hostname, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        RegistryCall *open;

        registry->ops->members(registry, call_new(registry, done, userdata, &open), hostname);
        call_asked(open, REGISTRY_CALL_LIMIT_USEC, ret_call);
}

void registry_agents(Registry *registry,
        const char *const *hostnames,
        size_t n,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call)
{
        RegistryCall *open;

        registry->ops->agents(registry, call_new(registry, done, userdata, &open), hostnames, n);
        call_asked(open, REGISTRY_TURN_LIMIT_USEC, ret_call);
}

static void ask(Registry *registry,
        void (*op)(Registry *registry, RegistryCall *call),
        uint64_t limit_usec,
        RegistryDone done,
        void *userdata,
        RegistryCall **ret_call)
{
        RegistryCall *open;

        op(registry, call_new(registry, done, userdata, &open));
        call_asked(open, limit_usec, ret_call);
}

void registry_load(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        ask(registry, registry->ops->load, REGISTRY_CALL_LIMIT_USEC, done, userdata, ret_call);
}

void registry_cleanup(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        ask(registry, registry->ops->cleanup, REGISTRY_CALL_LIMIT_USEC, done, userdata, ret_call);
}

void registry_turn(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        ask(registry, registry->ops->turn, REGISTRY_TURN_LIMIT_USEC, done, userdata, ret_call);
}

void registry_reset_turn(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        ask(registry, registry->ops->reset_turn, REGISTRY_CALL_LIMIT_USEC, done, userdata, ret_call);
}

void registry_flush(Registry *registry, RegistryDone done, void *userdata, RegistryCall **ret_call)
{
        ask(registry, registry->ops->flush, REGISTRY_FLUSH_LIMIT_USEC, done, userdata, ret_call);
}
