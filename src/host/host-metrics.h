/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agenthostd counts of itself and its agents, and the pages that tell it: /metrics for Prometheus
 * (metrics-page.h writes it), /livez and /readyz. They are given on a plain listener of their own
 * ([Metrics]); host_metrics_find() gives them to whoever else serves them. What is a state is looked up when
 * it is asked for; what is an event is counted when it happens, which costs nanoseconds and allocates
 * nothing. Counters begin with agenthostd: as usual, a restart sets them back to 0. */

#include "counter-table.h"
#include "histogram.h"
#include "host.h"
#include "loop-lag.h"
#include "page-server.h"
#include "request-metrics.h"

struct HostMetrics {
        PageServer *server; /* NULL: nowhere */
        char *listen_address; /* what it was made by; NULL: none was wanted */
        LoopLag *lag;

        GBytes *page; /* the last one */
        uint64_t page_until_usec; /* CLOCK_MONOTONIC: for so long it is good enough */

        CounterTable launches; /* create, restart */
        Histogram launch_duration;
        CounterTable start_failures; /* by error */
        CounterTable exits; /* by result; that nobody asked for */
        uint64_t n_stops; /* ends that were asked for */
        Histogram heartbeat;
        uint64_t n_heartbeats_failed;
        uint64_t n_registry_errors;
        uint64_t n_discovery_errors; /* of former ones */
        RequestMetrics peer_requests;
        Histogram loop_lag;
};

HostMetrics *host_metrics_new(void);
HostMetrics *host_metrics_free(HostMetrics *metrics);

/* Listens, as the configuration says. That it cannot is logged, and harms nobody. */
void host_metrics_open(Host *host);
void host_metrics_reload(Host *host);

/* The page of a path, whose body is the caller's; false: there is none. */
bool host_metrics_find(const char *path, Page *ret, void *host);

/* --- what happens; a host without metrics counts nothing --- */

/* An agent has been executed. */
void host_metrics_launched(const Agent *agent, bool again);

/* A launch has failed, was refused, or has ended before it was ready. */
void host_metrics_start_failed(const Host *host, FaultKind why);

/* An agent's processes have ended; its result is known. */
void host_metrics_ended(const Agent *agent, bool requested);

void host_metrics_registry(const Host *host, RegistryEvent event, uint64_t usec);

/* The discovery is about to be replaced by another one. */
void host_metrics_discovery_ends(const Host *host);

/* Another host's request has been answered. operation: a static text. */
void host_metrics_peer_request(const Host *host, const char *operation, unsigned status, uint64_t usec);
