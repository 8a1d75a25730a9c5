/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-page.h"

#include <string.h>

#include "fault-bus.h"
#include "host-metrics.h"
#include "metrics-agents.h"
#include "metrics-text.h"
#include "time-util.h"

const char *metrics_page_cause(FaultKind kind)
{
        return strrchr(fault_name(kind != FAULT_NONE ? kind : FAULT_FAILED), '.') + 1;
}

/* --- agents --- */

static void write_launches(MetricsText *t, const HostMetrics *m)
{
        metrics_text_begin(t, "agenthost_launches_total", METRIC_COUNTER,
                "Agents executed in their scope, as created or as started again.");
        metrics_text_table(t, "kind", NULL, &m->launches);
        metrics_text_begin(t, "agenthost_launch_duration_seconds", METRIC_HISTOGRAM,
                "Time from the begin of a launch, with its claim in the registry, to its execution.");
        metrics_text_histogram(t, NULL, &m->launch_duration);
        metrics_text_begin(t, "agenthost_start_failures_total", METRIC_COUNTER,
                "Starts that were refused, failed, or ended before the agent was ready, by error.");
        metrics_text_table(t, "cause", NULL, &m->start_failures);
}

static void write_ends(MetricsText *t, const HostMetrics *m)
{
        metrics_text_one(t, "agenthost_stops_total", METRIC_COUNTER,
                "Ends of agents that somebody had asked for.", m->n_stops);
        metrics_text_begin(t, "agenthost_exits_total", METRIC_COUNTER,
                "Ends of agents that nobody had asked for, by result.");
        metrics_text_table(t, "result", NULL, &m->exits);
}

/* --- what the host depends on --- */

/* A state as Prometheus has it: 1 for the one that it is, 0 for the others. */
static void write_state(MetricsText *t, const char *state, const char *all)
{
        const MetricLabel labels[] = { { "state", all }, { NULL, NULL } };

        metrics_text_number(t, labels, strcmp(state, all) == 0);
}

static void write_registry(MetricsText *t, const Host *host)
{
        const HostMetrics *m = host->metrics;

        metrics_text_begin(t, "agenthost_registry_state", METRIC_GAUGE,
                "Whether this is the state of the registry (Redis; off: it is in memory).");
        for (RegistryState s = 0; s < _REGISTRY_STATE_MAX; s++)
                write_state(t, registry_state_name(registry_state(host->registry)), registry_state_name(s));
        metrics_text_one(t, "agenthost_registry_errors_total", METRIC_COUNTER,
                "How often the registry could not be reached, has gone away, or has refused something.",
                m->n_registry_errors);
        metrics_text_begin(t, "agenthost_heartbeat_duration_seconds", METRIC_HISTOGRAM,
                "Time to renew what the registry has of this host.");
        metrics_text_histogram(t, NULL, &m->heartbeat);
        metrics_text_one(t, "agenthost_heartbeat_failures_total", METRIC_COUNTER,
                "Heartbeats that did not renew all, or were not sent as the registry was away.",
                m->n_heartbeats_failed);
}

static void write_hosts(MetricsText *t, const Host *host)
{
        const DiscoveryHost *hosts;
        unsigned n_ready = 0;
        size_t n;

        hosts = discovery_hosts(host->discovery, &n);
        for (size_t i = 0; i < n; i++)
                n_ready += hosts[i].ready;
        metrics_text_begin(t, "agenthost_discovery_hosts", METRIC_GAUGE,
                "Hosts that discovery knows, by whether agents may be placed on them.");
        metrics_text_number(t, (const MetricLabel[]){ { "ready", "true" }, { NULL, NULL } }, n_ready);
        metrics_text_number(t, (const MetricLabel[]){ { "ready", "false" }, { NULL, NULL } }, n - n_ready);
}

static void write_discovery(MetricsText *t, const Host *host)
{
        const char *state = discovery_state_name(discovery_state(host->discovery, NULL));

        metrics_text_begin(t, "agenthost_discovery_state", METRIC_GAUGE,
                "Whether this is the state of discovery (Kubernetes, or the settings; off: there is none).");
        for (DiscoveryState s = 0; s < _DISCOVERY_STATE_MAX; s++)
                write_state(t, state, discovery_state_name(s));
        metrics_text_one(t, "agenthost_discovery_errors_total", METRIC_COUNTER,
                "How often the source of discovery could not be used.",
                host->metrics->n_discovery_errors + discovery_error_count(host->discovery));
        write_hosts(t, host);
}

static void write_peers(MetricsText *t, const RequestMetrics *m)
{
        if (m->n_operations == 0)
                return;

        metrics_text_begin(t, "agenthost_peer_requests_total", METRIC_COUNTER,
                "Requests of other hosts, by operation and status code of the answer.");
        metrics_text_table(t, "operation", "code", &m->counts);
        metrics_text_begin(t, "agenthost_peer_request_duration_seconds", METRIC_HISTOGRAM,
                "Time from the head of a request of another host to the end of the answer.");
        for (unsigned i = 0; i < m->n_operations; i++) {
                const MetricLabel labels[] = { { "operation", m->operations[i].name }, { NULL, NULL } };

                metrics_text_histogram(t, labels, &m->operations[i].duration);
        }
}

/* --- the host itself --- */

static void write_build(MetricsText *t)
{
        const MetricLabel labels[] = { { "version", AGENTHOST_VERSION }, { NULL, NULL } };

        metrics_text_begin(
                t, "agenthost_build_info", METRIC_GAUGE, "The version of agenthostd, as a label.");
        metrics_text_number(t, labels, 1);
}

static void write_loop(MetricsText *t, const HostMetrics *m)
{
        if (!m->lag)
                return;
        metrics_text_begin(t, "agenthost_event_loop_lag_seconds", METRIC_HISTOGRAM,
                "How long the event loop was at work from one sleep to the next: what came meanwhile waited "
                "no longer.");
        metrics_text_histogram(t, NULL, &m->loop_lag);
}

/* Under the names that all services have them by. */
static void write_process(MetricsText *t)
{
        metrics_text_begin(t, "process_cpu_seconds_total", METRIC_COUNTER,
                "Processor time of agenthostd, of user and system.");
        metrics_text_seconds(t, NULL, now_usec(CLOCK_PROCESS_CPUTIME_ID));
}

GBytes *metrics_page_make(Host *host)
{
        const HostMetrics *m = host->metrics;
        MetricsText t;

        metrics_text_init(&t);
        write_build(&t);
        metrics_agents_write(&t, host);
        write_launches(&t, m);
        write_ends(&t, m);
        metrics_text_one(&t, "agenthost_launcher_connected", METRIC_GAUGE,
                "Whether agenthost-launcher can be reached.", launcher_client_is_connected(host->launcher));
        write_registry(&t, host);
        write_discovery(&t, host);
        write_peers(&t, &m->peer_requests);
        write_loop(&t, m);
        write_process(&t);
        return metrics_text_finish(&t);
}
