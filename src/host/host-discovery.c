/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-discovery.h"

#include "fleet-hosts.h"
#include "host-metrics.h"
#include "log.h"
#include "manager-bus.h"

static void on_changed(Discovery *discovery, void *userdata)
{
        (void)discovery;

        manager_bus_hosts_changed(userdata);
}

static Discovery *make_discovery(Host *host)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Discovery *discovery;

        if (discovery_new(host->event, &host->config->discovery, on_changed, host, &discovery, &fault) < 0) {
                log_error("Discovery cannot be used, other hosts are not known: %s", fault_text(&fault));
                discovery = discovery_unusable_new(&fault);
        }
        return discovery;
}

/* The settings that it was made by: a reload compares with them. */
static void keep_settings(Host *host)
{
        discovery_settings_done(&host->discovery_settings);
        discovery_settings_copy(&host->config->discovery, &host->discovery_settings);
}

static void look(SelectView *ret, void *userdata)
{
        const Host *host = userdata;

        *ret = (SelectView){
                .registry = host->registry,
                .discovery = host->discovery,
                .hostname = host->config->hostname,
                .address = host->config->address,
                .n_agents = host->n_active,
                .capacity = host->config->max_agents,
                .draining = host->drain.on,
                .statuses = host->statuses,
        };
}

static void on_counter_changed(void *userdata)
{
        manager_bus_counter_changed(userdata);
}

void host_discovery_open(Host *host)
{
        static const SelectHandlers handlers = { .look = look, .counter_changed = on_counter_changed };

        host->discovery = make_discovery(host);
        keep_settings(host);
        host->statuses = host_statuses_new();
        host->selector = host_selector_new(&handlers, host);
}

/* The list of the old one does not serve on: it is of hosts that are not meant any more. */
void host_discovery_reload(Host *host)
{
        if (discovery_settings_equal(&host->discovery_settings, &host->config->discovery))
                return;

        log_info("The settings of discovery have changed");
        host_metrics_discovery_ends(host);
        discovery_free(host->discovery);
        host->discovery = make_discovery(host);
        keep_settings(host);
        manager_bus_hosts_changed(host);
}

void host_discovery_close(Host *host)
{
        host->selector = host_selector_free(host->selector);
        host->statuses = host_statuses_free(host->statuses);
        host->discovery = discovery_free(host->discovery);
        discovery_settings_done(&host->discovery_settings);
}

/* Two lives of an entry: one may have been read just before it was renewed, and a round may be late. */
void host_discovery_beat(Host *host)
{
        const Config *c = host->config;
        const DiscoveryHost *hosts;
        size_t n;

        if (fleet_hosts(host->discovery, &hosts, &n, NULL) < 0)
                return;
        host_statuses_ask(host->statuses, host->registry, hosts, n,
                fleet_self(host->discovery, c->hostname, c->address), 2 * c->registry.ttl_usec);
}

unsigned host_discovery_count(const Host *host)
{
        const DiscoveryHost *hosts;
        size_t n;

        return fleet_hosts(host->discovery, &hosts, &n, NULL) < 0 ? 0 : (unsigned)n;
}
