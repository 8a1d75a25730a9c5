/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discovery.h"

#include "discovery-backend.h"
#include "log.h"

struct Discovery {
        const DiscoveryOps *ops;
        void *backend;
        HostList *hosts;
        bool known; /* there has been a list */
        DiscoveryState state;
        char *reason;
        uint64_t n_errors;
        DiscoveryChanged changed;
        void *userdata;
        sd_event_source *tell; /* on when something has changed and was not told yet */
};

static const char *const state_names[_DISCOVERY_STATE_MAX] = {
        [DISCOVERY_OK] = "ok",
        [DISCOVERY_STALE] = "stale",
        [DISCOVERY_DOWN] = "down",
        [DISCOVERY_OFF] = "off",
};

const char *discovery_state_name(DiscoveryState state)
{
        return state_names[state];
}

static const DiscoveryOps *find_ops(DiscoverySource source)
{
        static const DiscoveryOps *const ops[_DISCOVERY_SOURCE_MAX] = {
                [DISCOVERY_NONE] = &discovery_none,
                [DISCOVERY_STATIC] = &discovery_static,
                [DISCOVERY_KUBERNETES] = &discovery_kube,
                [DISCOVERY_ENDPOINTS] = &discovery_kube,
                [DISCOVERY_NODES] = &discovery_kube,
        };

        return ops[source];
}

static int on_tell(sd_event_source *s, void *userdata)
{
        Discovery *d = userdata;

        (void)s;

        d->changed(d, d->userdata);
        return 0;
}

static void tell_later(Discovery *d)
{
        if (sd_event_source_set_enabled(d->tell, SD_EVENT_ONESHOT) < 0)
                g_error("Cannot enable an event source");
}

static int add_tell(Discovery *d, sd_event *event)
{
        int r = sd_event_add_defer(event, &d->tell, on_tell, d);

        if (r >= 0)
                r = sd_event_source_set_enabled(d->tell, SD_EVENT_OFF);
        return r;
}

int discovery_new(sd_event *event,
        const DiscoverySettings *settings,
        DiscoveryChanged changed,
        void *userdata,
        Discovery **ret,
        Fault *fault)
{
        _cleanup_(discovery_freep) Discovery *d = g_new0(Discovery, 1);
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        int r;

        *d = (Discovery){
                .ops = find_ops(settings->source),
                .hosts = host_list_new(none),
                .state = DISCOVERY_DOWN,
                .changed = changed,
                .userdata = userdata,
        };
        r = add_tell(d, event);
        if (r < 0)
                return fault_set(fault, FAULT_FAILED, "Cannot add an event source");
        r = d->ops->start(event, settings, d, &d->backend, fault);
        if (r < 0)
                return r;

        *ret = steal_ptr(d);
        return 0;
}

Discovery *discovery_unusable_new(const Fault *why)
{
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        Discovery *d = g_new0(Discovery, 1);

        *d = (Discovery){
                .hosts = host_list_new(none),
                .state = DISCOVERY_DOWN,
                .reason = g_strdup_printf("The settings of [Discovery] cannot be used: %s; correct them in "
                                          "agenthost.conf and reload agenthostd",
                        fault_text(why)),
        };
        return d;
}

Discovery *discovery_free(Discovery *d)
{
        if (!d)
                return NULL;

        if (d->backend)
                d->ops->free(d->backend);
        sd_event_source_disable_unref(d->tell);
        host_list_free(d->hosts);
        g_free(d->reason);
        g_free(d);
        return NULL;
}

DiscoveryState discovery_state(const Discovery *d, const char **ret_reason)
{
        if (ret_reason)
                *ret_reason = d->reason;
        return d->state;
}

uint64_t discovery_error_count(const Discovery *d)
{
        return d->n_errors;
}

const DiscoveryHost *discovery_hosts(const Discovery *d, size_t *ret_n)
{
        *ret_n = d->hosts->n;
        return d->hosts->hosts;
}

const DiscoveryHost *discovery_find(const Discovery *d, const char *hostname)
{
        return host_list_find(d->hosts, hostname);
}

/* One line for each change of the state; a new reason alone is no news. */
static void set_state(Discovery *d, DiscoveryState state, const char *reason)
{
        if (d->state == state && g_strcmp0(d->reason, reason) == 0)
                return;

        if (reason && (d->state != state || !d->reason))
                log_warning("Discovery is %s: %s", state_names[state], reason);
        else if (d->state != state && state == DISCOVERY_OK)
                log_info("Discovery is ok: %zu hosts", d->hosts->n);
        d->state = state;
        g_free(d->reason);
        d->reason = g_strdup(reason);
        tell_later(d);
}

void discovery_set_hosts(Discovery *d, HostList *hosts)
{
        bool differs = !host_list_equal(d->hosts, hosts);

        host_list_free(d->hosts);
        d->hosts = hosts;
        d->known = true;
        if (differs)
                tell_later(d);
}

void discovery_set_away(Discovery *d, const char *reason)
{
        d->n_errors++;
        set_state(d, d->known ? DISCOVERY_STALE : DISCOVERY_DOWN, reason);
}

void discovery_set_ok(Discovery *d)
{
        set_state(d, DISCOVERY_OK, NULL);
}

void discovery_set_off(Discovery *d)
{
        set_state(d, DISCOVERY_OFF, NULL);
}
