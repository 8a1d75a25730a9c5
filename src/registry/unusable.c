/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unusable.h"

#include <glib.h>

#include "registry-backend.h"

typedef struct Unusable {
        Registry registry; /* first */
        Fault why;
} Unusable;

static void unusable_free(Registry *registry)
{
        Unusable *u = (Unusable *)registry;

        fault_done(&u->why);
        registry_done(registry);
        g_free(u);
}

static LocationState unusable_put(Registry *registry, const char *id)
{
        (void)registry;
        (void)id;

        return LOCATION_PENDING;
}

static void unusable_drop(Registry *registry, const char *id)
{
        (void)registry;
        (void)id;
}

static void unusable_describe(Registry *registry, const RegistryHostInfo *info)
{
        (void)registry;
        (void)info;
}

static void unusable_keep_spec(Registry *registry, const char *id)
{
        (void)registry;
        (void)id;
}

static void unusable_orphan_done(Registry *registry, const char *id, bool placed)
{
        (void)registry;
        (void)id;
        (void)placed;
}

static void refuse(Registry *registry, RegistryCall *call)
{
        registry_call_finish(call, NULL, &((Unusable *)registry)->why);
}

static void unusable_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover)
{
        (void)id;
        (void)takeover;

        refuse(registry, call);
}

static void unusable_ask(Registry *registry, RegistryCall *call, const char *text)
{
        (void)text;

        refuse(registry, call);
}

static void unusable_agents(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n)
{
        (void)hostnames;
        (void)n;

        refuse(registry, call);
}

static void unusable_evict(Registry *registry, RegistryCall *call, const char *id, const char *address)
{
        (void)id;
        (void)address;

        refuse(registry, call);
}

/* No call is ever open. */
static void unusable_cancelled(Registry *registry, RegistryCall *call)
{
        (void)registry;
        (void)call;
}

static const RegistryOps unusable_ops = {
        .free = unusable_free,
        .put = unusable_put,
        .drop = unusable_drop,
        .describe = unusable_describe,
        .keep_spec = unusable_keep_spec,
        .orphan_done = unusable_orphan_done,
        .claim = unusable_claim,
        .find = unusable_ask,
        .load = refuse,
        .agents = unusable_agents,
        .evict = unusable_evict,
        .members = unusable_ask,
        .cleanup = refuse,
        .turn = refuse,
        .reset_turn = refuse,
        .flush = refuse,
        .cancelled = unusable_cancelled,
};

Registry *registry_unusable_new(sd_event *event,
        const char *address,
        const Fault *why,
        const RegistryHandlers *handlers,
        void *userdata)
{
        Unusable *u = g_new0(Unusable, 1);

        registry_init(&u->registry, &unusable_ops, event, address, handlers, userdata);
        fault_set(&u->why, FAULT_REGISTRY_UNAVAILABLE,
                "The settings of [Registry] cannot be used: %s; correct them in agenthost.conf and reload "
                "agenthostd",
                fault_text(why));
        return &u->registry;
}
