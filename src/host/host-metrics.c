/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-metrics.h"

#include <string.h>

#include "fault-bus.h"
#include "listen-address.h"
#include "log.h"
#include "metrics-page.h"
#include "metrics-text.h"
#include "time-util.h"

/* A page is given again for so many times the time that it took to make, so that whoever asks without end
 * gets no more than a small part of the loop's time for it. */
#define PAGE_GOOD_FACTOR 4u

#define TEXT "text/plain; charset=utf-8"

/* What there can be is there from the start, with 0: so its first time can be seen as an increase. */
static void init_tables(HostMetrics *m)
{
        static const FaultKind kinds[] = { FAULT_INVALID_ARGS, FAULT_INVALID_SPEC, FAULT_NO_SUCH_RUNTIME,
                FAULT_LIMIT_REACHED, FAULT_AGENT_EXISTS, FAULT_DRAINING, FAULT_LAUNCHER_UNAVAILABLE,
                FAULT_START_FAILED, FAULT_START_TIMEOUT };
        static const char *const results[] = { "success", "exit-code", "signal", "core-dump", "oom-kill",
                "timeout", "watchdog", "resources", "protocol", "lost" };

        counter_table_add(&m->launches, "create", NULL, 0);
        counter_table_add(&m->launches, "restart", NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                counter_table_add(&m->start_failures, metrics_page_cause(kinds[i]), NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                counter_table_add(&m->exits, results[i], NULL, 0);
}

HostMetrics *host_metrics_new(void)
{
        HostMetrics *m = g_new0(HostMetrics, 1);

        *m = (HostMetrics){
                .launch_duration = HISTOGRAM_INIT(&histogram_calls),
                .heartbeat = HISTOGRAM_INIT(&histogram_calls),
                .loop_lag = HISTOGRAM_INIT(&histogram_moments),
        };
        init_tables(m);
        return m;
}

static void drop_page(HostMetrics *m)
{
        g_clear_pointer(&m->page, g_bytes_unref);
}

static void stop_listening(HostMetrics *m)
{
        m->server = page_server_free(m->server);
        g_clear_pointer(&m->listen_address, g_free);
}

HostMetrics *host_metrics_free(HostMetrics *m)
{
        if (!m)
                return NULL;

        stop_listening(m);
        loop_lag_free(m->lag);
        drop_page(m);
        g_free(m);
        return NULL;
}

/* --- pages --- */

static GBytes *get_metrics(Host *host)
{
        uint64_t begun_usec = now_usec(CLOCK_MONOTONIC), made_usec;
        HostMetrics *m = host->metrics;

        if (m->page && begun_usec < m->page_until_usec)
                return g_bytes_ref(m->page);

        drop_page(m);
        m->page = metrics_page_make(host);
        made_usec = now_usec(CLOCK_MONOTONIC);
        m->page_until_usec = made_usec + PAGE_GOOD_FACTOR * (made_usec - begun_usec);
        return g_bytes_ref(m->page);
}

static void set_text(Page *page, unsigned status, const char *text)
{
        *page = (Page){ .status = status, .content_type = TEXT, .body = g_bytes_new(text, strlen(text)) };
}

/* As Health() has it: a launcher that is just executing itself again is no reason to send callers elsewhere.
 * The registry and discovery are told, too, but agents are launched without them: a host is no less ready
 * when they are away, least of all all hosts of a fleet at once. */
static void set_readiness(const Host *host, Page *page)
{
        bool has_name = bus_connection_owns_name(host->connection);
        bool has_launcher = launcher_client_is_usable(host->launcher);
        g_autofree char *text = NULL;

        text = g_strdup_printf("%s\n[%c] D-Bus name%s\n[%c] launcher%s\n[i] registry %s\n[i] discovery %s\n",
                has_name && has_launcher ? "ready" : "not ready", has_name ? '+' : '-',
                has_name ? "" : " is not owned", has_launcher ? '+' : '-',
                has_launcher ? "" : " cannot be reached",
                registry_state_name(registry_state(host->registry)),
                discovery_state_name(discovery_state(host->discovery, NULL)));
        set_text(page, has_name && has_launcher ? 200 : 503, text);
}

bool host_metrics_find(const char *path, Page *ret, void *userdata)
{
        Host *host = userdata;

        if (strcmp(path, "/metrics") == 0)
                *ret = (Page){
                        .status = 200, .content_type = METRICS_CONTENT_TYPE, .body = get_metrics(host)
                };
        else if (strcmp(path, "/livez") == 0)
                set_text(ret, 200, "alive\n");
        else if (strcmp(path, "/readyz") == 0)
                set_readiness(host, ret);
        else
                return false;
        return true;
}

/* --- where they are to be had --- */

static int listen_at(Host *host, const ListenAddress *address)
{
        const PageServerSettings settings = { .address = address->host, .port = address->port };
        HostMetrics *m = host->metrics;

        return page_server_new(host->event, &settings, host_metrics_find, host, &m->server);
}

/* Nobody pays for it where nobody can ask for it. */
static void measure_lag(Host *host)
{
        PeerTls tls = peer_settings_tls(&host->config->peers);
        HostMetrics *m = host->metrics;

        if (!m->server && !peer_tls_is_set(&tls))
                m->lag = loop_lag_free(m->lag);
        else if (!m->lag && loop_lag_new(host->event, &m->loop_lag, &m->lag) < 0)
                log_warning("The lag of the event loop cannot be measured");
}

static void listen_as_configured(Host *host)
{
        _cleanup_listen_address_ ListenAddress address = { 0 };
        const char *text = host->config->metrics.listen_address;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        if (!text)
                return;

        host->metrics->listen_address = g_strdup(text);
        r = listen_address_parse(text, &address, &fault);
        if (r >= 0)
                r = listen_at(host, &address);
        if (r < 0)
                log_error("Metrics cannot be had at %s: %s; change ListenAddress= in [Metrics], or reload "
                          "agenthostd when it is free",
                        text, fault.kind != FAULT_NONE ? fault_text(&fault) : strerror(-r));
        else
                log_info("Metrics can be had at http://%s/metrics", text);
}

void host_metrics_open(Host *host)
{
        listen_as_configured(host);
        measure_lag(host);
}

void host_metrics_reload(Host *host)
{
        HostMetrics *m = host->metrics;
        bool is_same = g_strcmp0(m->listen_address, host->config->metrics.listen_address) == 0;

        drop_page(m);
        /* One that could not be had is tried again. */
        if (!is_same || (m->listen_address && !m->server)) {
                stop_listening(m);
                listen_as_configured(host);
        }
        measure_lag(host);
}

/* --- what happens --- */

void host_metrics_launched(const Agent *a, bool again)
{
        HostMetrics *m = a->host->metrics;

        if (!m)
                return;
        counter_table_add(&m->launches, again ? "restart" : "create", NULL, 1);
        if (a->launch_begun_usec > 0)
                histogram_observe(&m->launch_duration, now_usec(CLOCK_MONOTONIC) - a->launch_begun_usec);
}

void host_metrics_start_failed(const Host *host, FaultKind why)
{
        if (host->metrics)
                counter_table_add(&host->metrics->start_failures, metrics_page_cause(why), NULL, 1);
}

void host_metrics_ended(const Agent *a, bool requested)
{
        HostMetrics *m = a->host->metrics;

        if (!m)
                return;
        if (requested)
                m->n_stops++;
        else
                counter_table_add(&m->exits, a->result, NULL, 1);
}

void host_metrics_registry(const Host *host, RegistryEvent event, uint64_t usec)
{
        HostMetrics *m = host->metrics;

        if (!m)
                return;
        if (event == REGISTRY_ERROR)
                m->n_registry_errors++;
        if (event == REGISTRY_HEARTBEAT || event == REGISTRY_HEARTBEAT_FAILED)
                histogram_observe(&m->heartbeat, usec);
        if (event == REGISTRY_HEARTBEAT_FAILED || event == REGISTRY_HEARTBEAT_MISSED)
                m->n_heartbeats_failed++;
}

void host_metrics_discovery_ends(const Host *host)
{
        if (host->metrics)
                host->metrics->n_discovery_errors += discovery_error_count(host->discovery);
}

void host_metrics_peer_request(const Host *host, const char *operation, unsigned status, uint64_t usec)
{
        if (host->metrics)
                request_metrics_observe(&host->metrics->peer_requests, operation, status, usec);
}
