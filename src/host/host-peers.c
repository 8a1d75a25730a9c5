/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-peers.h"

#include <string.h>

#include "log.h"
#include "peer-calls.h"
#include "time-util.h"

/* Certificates may come later than we, and another life of ours may still have the port. */
#define RETRY_USEC (10 * USEC_PER_SEC)

static void keep_settings(Host *host)
{
        peer_settings_done(&host->peer_settings);
        peer_settings_copy(&host->config->peers, &host->peer_settings);
}

int host_peers_open(Host *host)
{
        keep_settings(host);
        return peer_client_new(host->event,
                &(PeerClientSettings){ .tls = peer_settings_tls(&host->peer_settings) }, &host->peer_client);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        Host *host = userdata;

        (void)s;
        (void)usec;

        host->peers_timer = sd_event_source_disable_unref(host->peers_timer);
        host_peers_listen(host);
        return 0;
}

/* The same is not said each time. */
static void tell_failure(Host *host, const Fault *fault)
{
        if (g_strcmp0(host->peers_failure, fault_text(fault)) == 0)
                return;

        log_error("No other host can reach this one, trying again: %s", fault_text(fault));
        g_free(host->peers_failure);
        host->peers_failure = g_strdup(fault_text(fault));
}

void host_peers_listen(Host *host)
{
        const PeerSettings *settings = &host->peer_settings;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const PeerServerSettings wanted = {
                .listen_address = settings->listen_address,
                .port = settings->port,
                .tls = peer_settings_tls(settings),
                .peer_names = settings->names,
        };

        if (peer_server_new(host->event, &wanted, &peer_calls_handlers, host, &host->peer_server, &fault) >=
                0) {
                g_clear_pointer(&host->peers_failure, g_free);
                return;
        }

        tell_failure(host, &fault);
        if (sd_event_add_time_relative(
                    host->event, &host->peers_timer, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, host) < 0)
                g_error("Cannot arm a timer");
}

static void stop_listening(Host *host)
{
        host->peers_timer = sd_event_source_disable_unref(host->peers_timer);
        host->peers_closing = true;
        host->peer_server = peer_server_free(host->peer_server);
        host->peers_closing = false;
        g_clear_pointer(&host->peers_failure, g_free);
}

void host_peers_reload(Host *host)
{
        bool same = peer_settings_equal_but_names(&host->peer_settings, &host->config->peers);
        PeerTls tls;

        keep_settings(host);
        if (same) {
                if (host->peer_server)
                        peer_server_set_names(host->peer_server, host->peer_settings.names);
                return;
        }

        log_info("The settings of peers have changed");
        tls = peer_settings_tls(&host->peer_settings);
        peer_client_set_tls(host->peer_client, &tls);
        if (!host->online)
                return;
        stop_listening(host);
        host_peers_listen(host);
}

void host_peers_close(Host *host)
{
        stop_listening(host);
        host->peer_client = peer_client_free(host->peer_client);
        peer_settings_done(&host->peer_settings);
}
