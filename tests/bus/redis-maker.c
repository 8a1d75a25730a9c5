/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For ../unit/registry/test-registry.c: registries in a real Redis server, one for all of its tests, emptied
 * between them. */

#include <glib.h>

#include "redis.h"
#include "registry-backend.h"
#include "registry/registry-maker.h"
#include "test-redis.h"
#include "time-util.h"

static TestRedis *server;

static void stop_server(void)
{
        test_redis_free(server);
}

static void *redis_open(void)
{
        if (!test_redis_is_there()) {
                g_test_skip("there is no such server on this machine");
                return NULL;
        }
        if (!server) {
                server = test_redis_new(NULL);
                atexit(stop_server);
        }
        g_free(test_redis_ask(server, "FLUSHALL"));
        return server;
}

static void redis_close(void *store)
{
        (void)store;
}

static Registry *redis_new(void *store,
        sd_event *event,
        const char *address,
        uint64_t ttl_usec,
        const RegistryHandlers *handlers,
        void *userdata)
{
        g_autofree char *url = test_redis_url(store);
        const RegistrySettings settings = {
                .url = url,
                .heartbeat_usec = REGISTRY_HEARTBEAT_DEFAULT_USEC,
                .ttl_usec = ttl_usec > 0 ? ttl_usec : REGISTRY_TTL_DEFAULT_USEC,
        };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Registry *registry = NULL;

        g_assert_cmpint(
                registry_new(event, &settings, address, NULL, handlers, userdata, &registry, &fault), ==, 0);
        return registry;
}

static void redis_expire(void *store, const char *id)
{
        g_free(test_redis_ask(store, "DEL agent_location:%s", id));
}

static uint64_t redis_ttl_usec(void *store, const char *id)
{
        g_autofree char *left = test_redis_ask(store, "PTTL agent_location:%s", id);
        gint64 msec = g_ascii_strtoll(left, NULL, 10);

        return msec > 0 ? (uint64_t)msec * USEC_PER_MSEC : 0;
}

static void on_flushed(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        g_assert_nonnull(answer);
        g_assert_null(fault);
        *(bool *)userdata = true;
}

static void redis_beat(Registry *registry)
{
        bool flushed = false;

        registry_redis_beat(registry);
        registry_flush(registry, on_flushed, &flushed, NULL);
        while (!flushed)
                g_assert_cmpint(sd_event_run(registry->event, UINT64_MAX), >=, 0);
}

const RegistryMaker registry_maker = {
        .open = redis_open,
        .close = redis_close,
        .new_registry = redis_new,
        .expire = redis_expire,
        .ttl_usec = redis_ttl_usec,
        .beat = redis_beat,
};
