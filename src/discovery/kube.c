/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube.h"

#include "kube-backoff.h"
#include "log.h"

struct Kube {
        sd_event *event;
        DiscoverySettings settings;
        KubeEnvironment environment;
        KubeWatchTimes times;
        Discovery *discovery; /* borrowed, outlives us */
        char *namespace;
        KubeTarget target;
        KubeStore *store;
        KubeClient *client;
        KubeWatch *watch;
        sd_event_source *retry;
        unsigned n_failures; /* to find a configuration */
};

static const KubeSource *find_source(DiscoverySource source)
{
        switch (source) {
        case DISCOVERY_ENDPOINTS:
                return &kube_endpoints;
        case DISCOVERY_NODES:
                return &kube_nodes;
        default:
                return &kube_slices;
        }
}

static void on_changed(void *userdata)
{
        Kube *k = userdata;

        discovery_set_hosts(k->discovery, kube_store_hosts(k->store));
}

static void on_state(const char *why, void *userdata)
{
        Kube *k = userdata;

        if (why)
                discovery_set_away(k->discovery, why);
        else
                discovery_set_ok(k->discovery);
}

static void set_target(Kube *k, const KubeConfig *config)
{
        const DiscoverySettings *s = &k->settings;

        g_free(k->namespace);
        k->namespace = g_strdup(s->namespace ? s->namespace
                        : config->namespace  ? config->namespace
                                             : DISCOVERY_NAMESPACE_DEFAULT);
        k->target = (KubeTarget){
                .namespace = k->namespace,
                .service = s->service ? s->service : DISCOVERY_SERVICE_DEFAULT,
                .node_selector = s->node_selector ? s->node_selector : "",
                .port = s->port > 0 ? s->port : DISCOVERY_PORT_DEFAULT,
        };
}

static void begin(Kube *k, KubeConfig *config)
{
        static const KubeWatchHandlers handlers = { on_changed, on_state };
        const KubeSource *source = find_source(k->settings.source);

        set_target(k, config);
        log_info("Discovery reads %s of %s, with the credentials of %s", source->what, config->server,
                k->settings.token_file ? "TokenFile=" : config->origin);
        if (config->insecure)
                log_warning(
                        "The certificate of %s is NOT checked (insecure-skip-tls-verify in %s): whoever is on "
                        "the way there can read the token and say which hosts there are",
                        config->server, config->origin);
        if (kube_client_new(k->event, config, &k->client) < 0)
                g_error("Cannot set up libcurl");
        k->store = kube_store_new(source, &k->target);
        k->watch =
                kube_watch_new(k->event, k->client, source, &k->target, k->store, &k->times, &handlers, k);
}

static void try_to_begin(Kube *k);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        Kube *k = userdata;

        (void)s;
        (void)usec;

        k->retry = sd_event_source_disable_unref(k->retry);
        try_to_begin(k);
        return 0;
}

/* What is missing now may be there later: a file that is written by something that starts after us. */
static void try_to_begin(Kube *k)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeConfig config = { 0 };

        if (kube_config_find(&k->settings, &k->environment, &config, &fault) >= 0) {
                begin(k, &config);
                return;
        }

        discovery_set_away(k->discovery, fault_text(&fault));
        k->n_failures++;
        if (sd_event_add_time_relative(k->event, &k->retry, CLOCK_MONOTONIC,
                    kube_backoff_usec(k->n_failures, 0, g_random_int()), USEC_PER_MSEC, on_retry, k) < 0)
                g_error("Cannot arm a timer");
}

Kube *kube_new(sd_event *event,
        const DiscoverySettings *settings,
        const KubeEnvironment *environment,
        const KubeWatchTimes *times,
        Discovery *discovery)
{
        Kube *k = g_new0(Kube, 1);

        *k = (Kube){
                .event = sd_event_ref(event),
                .environment = *environment,
                .times = *times,
                .discovery = discovery,
        };
        discovery_settings_copy(settings, &k->settings);
        try_to_begin(k);
        return k;
}

Kube *kube_free(Kube *k)
{
        if (!k)
                return NULL;

        kube_watch_free(k->watch);
        kube_client_free(k->client);
        kube_store_free(k->store);
        sd_event_source_disable_unref(k->retry);
        discovery_settings_done(&k->settings);
        g_free(k->namespace);
        sd_event_unref(k->event);
        g_free(k);
        return NULL;
}

static int kube_start(sd_event *event,
        const DiscoverySettings *settings,
        Discovery *discovery,
        void **ret_backend,
        Fault *fault)
{
        KubeEnvironment environment = kube_environment();

        (void)fault;

        *ret_backend = kube_new(event, settings, &environment, &kube_watch_times, discovery);
        return 0;
}

static void kube_stop(void *backend)
{
        kube_free(backend);
}

const DiscoveryOps discovery_kube = { .start = kube_start, .free = kube_stop };
