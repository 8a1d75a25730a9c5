/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-registry.h"

#include <string.h>

#include "agent-bus.h"
#include "agent-location.h"
#include "agent-reschedule.h"
#include "host-discovery.h"
#include "host-metrics.h"
#include "host-statuses.h"
#include "log.h"
#include "manager-bus.h"
#include "unusable.h"

static void on_location_changed(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        host_location_changed(userdata, id, state, conflict);
}

/* Nothing that agents do waits for it, so that it is away is no error of ours. */
static void log_state(RegistryState state, const Fault *why)
{
        if (state == REGISTRY_OK)
                log_info("The registry is in order");
        else if (why)
                log_warning("The registry is %s: %s", registry_state_name(state), fault_text(why));
}

static void on_state_changed(RegistryState state, const Fault *why, void *userdata)
{
        Host *host = userdata;

        log_state(state, why);
        manager_bus_registry_changed(host);
        host_selector_registry_changed(host->selector);
}

static void on_observed(RegistryEvent event, uint64_t usec, void *userdata)
{
        host_metrics_registry(userdata, event, usec);
}

static void on_renewed(void *userdata)
{
        host_discovery_beat(userdata);
}

static char *on_spec_wanted(const char *id, void *userdata)
{
        return host_spec_wanted(userdata, id);
}

static void on_orphan_found(const RegistryOrphan *orphan, void *userdata)
{
        host_orphan_found(userdata, orphan);
}

static Registry *make_registry(Host *host, const char *former_address)
{
        static const RegistryHandlers handlers = {
                .location_changed = on_location_changed,
                .state_changed = on_state_changed,
                .observed = on_observed,
                .renewed = on_renewed,
                .spec_wanted = on_spec_wanted,
                .orphan_found = on_orphan_found,
        };
        const RegistrySettings *settings = &host->config->registry;
        const char *address = host->config->address;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Registry *registry;

        if (registry_new(host->event, settings, address, former_address, &handlers, host, &registry,
                    &fault) < 0) {
                log_error("The registry cannot be used, nobody else learns where agents are: %s",
                        fault_text(&fault));
                registry = registry_unusable_new(host->event, address, &fault, &handlers, host);
        }
        return registry;
}

/* The settings that it was made by: a reload compares with them. */
static void keep_settings(Host *host)
{
        registry_settings_done(&host->registry_settings);
        registry_settings_copy(&host->config->registry, &host->registry_settings);
}

void host_registry_describe(Host *host)
{
        const RegistryHostInfo info = {
                .capacity = host->config->max_agents,
                .draining = host->drain.on,
                .life = host->life,
        };

        registry_describe(host->registry, &info);
}

void host_registry_open(Host *host)
{
        host->registry = make_registry(host, NULL);
        keep_settings(host);
        host_registry_describe(host);
}

static void put_all(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (!a->in_registry)
                        continue;
                agent_location_put(a);
                agent_bus_changed(a, AGENT_CHANGED_LOCATION);
        }
}

/* Launches that wait for a claim go on without one when the old registry goes. */
static void change_registry(Host *host)
{
        Registry *old = host->registry;

        log_info("The settings of the registry have changed");
        host->registry = make_registry(host, registry_address(old));
        keep_settings(host);
        host_statuses_forget(host->statuses);
        registry_free(old);
        put_all(host);
        manager_bus_registry_changed(host);
        host_selector_registry_changed(host->selector);
}

void host_registry_reload(Host *host)
{
        if (strcmp(registry_address(host->registry), host->config->address) != 0 ||
                !registry_settings_equal(&host->registry_settings, &host->config->registry))
                change_registry(host);
        host_registry_describe(host);
}

typedef struct Flush {
        void (*done)(void *userdata);
        void *userdata;
} Flush;

/* What has not arrived expires, or is found after the reconnect, or by our next life. */
static void on_flushed(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        g_autofree Flush *flush = userdata;

        (void)answer;

        if (fault)
                log_debug("The registry may not have heard everything yet: %s", fault_text(fault));
        flush->done(flush->userdata);
}

void host_registry_flush(Host *host, void (*done)(void *userdata), void *userdata)
{
        Flush *flush = g_new0(Flush, 1);

        *flush = (Flush){ .done = done, .userdata = userdata };
        registry_flush(host->registry, on_flushed, flush, NULL);
}
