/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-registry.h"

static void hear(Registry *registry, const char *what, const char *about)
{
        g_string_append_printf(((FakeRegistry *)registry)->heard, "%s %s; ", what, about);
}

static void hear_call(Registry *registry, RegistryCall *call, const char *what, const char *about)
{
        hear(registry, what, about);
        ((FakeRegistry *)registry)->call = call;
}

static void fake_free(Registry *registry)
{
        FakeRegistry *fake = (FakeRegistry *)registry;

        g_string_free(fake->heard, true);
        registry_done(registry);
        g_free(fake);
}

static LocationState fake_put(Registry *registry, const char *id)
{
        hear(registry, "put", id);
        return ((FakeRegistry *)registry)->put_answer;
}

static void fake_drop(Registry *registry, const char *id)
{
        hear(registry, "drop", id);
}

static void fake_describe(Registry *registry, const RegistryHostInfo *info)
{
        (void)registry;
        (void)info;
}

static void fake_claim(Registry *registry, RegistryCall *call, const char *id, bool takeover)
{
        hear_call(registry, call, takeover ? "take" : "claim", id);
}

static void fake_find(Registry *registry, RegistryCall *call, const char *id)
{
        hear_call(registry, call, "find", id);
}

static void fake_members(Registry *registry, RegistryCall *call, const char *hostname)
{
        hear_call(registry, call, "members", hostname);
}

static void fake_agents(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n)
{
        g_autoptr(GString) names = g_string_new(NULL);

        for (size_t i = 0; i < n; i++)
                g_string_append_printf(names, "%s%s", i > 0 ? " " : "", hostnames[i]);
        hear_call(registry, call, "agents", names->str);
}

static void fake_evict(Registry *registry, RegistryCall *call, const char *id, const char *address)
{
        g_autofree char *text = g_strdup_printf("%s %s", id, address ? address : "-");

        hear_call(registry, call, "evict", text);
}

static void fake_ask(Registry *registry, RegistryCall *call)
{
        hear_call(registry, call, "ask", "something");
}

static void fake_flush(Registry *registry, RegistryCall *call)
{
        hear_call(registry, call, "flush", "all");
}

static void fake_cancelled(Registry *registry, RegistryCall *call)
{
        FakeRegistry *fake = (FakeRegistry *)registry;

        if (fake->call == call)
                fake->call = NULL;
        hear(registry, "cancel", "it");
}

FakeRegistry *fake_registry_new(sd_event *event, const RegistryHandlers *handlers, void *userdata)
{
        static const RegistryOps ops = {
                .free = fake_free,
                .put = fake_put,
                .drop = fake_drop,
                .describe = fake_describe,
                .claim = fake_claim,
                .find = fake_find,
                .load = fake_ask,
                .agents = fake_agents,
                .evict = fake_evict,
                .members = fake_members,
                .cleanup = fake_ask,
                .turn = fake_ask,
                .reset_turn = fake_ask,
                .flush = fake_flush,
                .cancelled = fake_cancelled,
        };
        FakeRegistry *fake = g_new0(FakeRegistry, 1);

        registry_init(&fake->registry, &ops, event, "host-1:50051", handlers, userdata);
        fake->registry.state = REGISTRY_OK;
        fake->heard = g_string_new(NULL);
        fake->put_answer = LOCATION_REGISTERED;
        return fake;
}

static RegistryCall *take_call(FakeRegistry *fake)
{
        g_assert_nonnull(fake->call);
        return g_steal_pointer(&fake->call);
}

void fake_registry_grant(FakeRegistry *fake)
{
        fake_registry_answer(fake, &(RegistryAnswer){ 0 });
}

void fake_registry_answer(FakeRegistry *fake, const RegistryAnswer *answer)
{
        registry_call_finish(take_call(fake), answer, NULL);
}

void fake_registry_refuse(FakeRegistry *fake, FaultKind kind, const char *text)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, kind, "%s", text);
        registry_call_finish(take_call(fake), NULL, &fault);
}

void fake_registry_expect(FakeRegistry *fake, const char *expected)
{
        g_assert_cmpstr(fake->heard->str, ==, expected);
        g_string_truncate(fake->heard, 0);
}
