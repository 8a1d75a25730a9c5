/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host: owner of everything that agenthostd has, one of it a process. Handlers of the bus and of the
 * launcher come in here; the long operations on an agent are in agent-start.c, agent-stop.c and agent-end.c.
 *
 * Starting: configuration and state files are read, the launcher is asked what runs (launcher-sync.c), both
 * are brought together, and only then the bus name is taken and READY=1 said: whoever sees the name sees the
 * truth. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <glib.h>

#include "access.h"
#include "agent.h"
#include "bus-connection.h"
#include "client.h"
#include "config.h"
#include "fleet.h"
#include "guild-text.h"
#include "launcher-client.h"
#include "launcher-sync.h"
#include "notify.h"
#include "proto/paths.h"
#include "registry.h"
#include "restart.h"
#include "runtimes.h"
#include "select.h"
#include "server.h"
#include "store.h"

typedef struct HostMetrics HostMetrics; /* host-metrics.h */

/* What drain.c does. */
typedef struct Drain {
        bool on;
        bool stop_agents; /* those that are here, and those that come to be found here */
        uint64_t timeout_usec; /* of these stops; 0: the runtimes' own */
} Drain;

/* A text and the memory file made of it. */
typedef struct TextFile {
        char *text;
        int memfd;
} TextFile;

typedef struct Host {
        sd_event *event;
        BusConnection *connection;
        sd_bus *bus; /* the connection's; closed while the bus is away */
        const Paths *paths; /* borrowed */
        Config *config;
        Access *access; /* NULL in user mode: everybody on that bus is the user */
        Store *store;
        GuildTexts *guilds;
        LauncherClient *launcher;
        LauncherSync *sync;
        Registry *registry; /* host-registry.h */
        char *life; /* host-life.h */
        RegistrySettings registry_settings; /* what it was made by */
        Discovery *discovery; /* host-discovery.h */
        DiscoverySettings discovery_settings; /* what it was made by */
        HostStatuses *statuses; /* host-discovery.h */
        HostSelector *selector;
        Fleet *fleet; /* host-fleet.h */
        GQueue fleet_calls; /* fleet-methods.c */
        PeerServer *peer_server; /* host-peers.h; NULL: nobody can reach us */
        PeerClient *peer_client;
        PeerSettings peer_settings; /* what they were made by */
        bool peers_closing; /* it is we who break the calls of others off */
        char *peers_failure; /* why it could not be listened, as it was said; NULL: there is nothing to say
                              */
        sd_event_source *peers_timer; /* until it is tried again */
        HostMetrics *metrics;
        Runtimes *runtimes; /* NULL until the launcher has told */
        char **unsupported; /* properties, as the launcher tells them */
        Notify *notify;
        char *cgroup_root; /* of the service manager; "" usually */
        char *cgroup_dir; /* the same as a directory; NULL: there is none */

        TextFile last_texts[_AGENT_TEXT_MAX]; /* of the last launch: the next one's are often the same */

        GHashTable *agents; /* id -> Agent, owned */
        GHashTable *units; /* unit -> Agent */
        GHashTable *requests; /* request_id -> Agent */
        GHashTable *pids; /* main pid of an agent not yet acknowledged -> Agent */
        RestartBucket restart_bucket;
        unsigned n_active; /* not ended: what counts for MaxAgents= */
        Drain drain;

        sd_event_source *forget_timer; /* for the retained agent whose time is up first */
        sd_event_source *tell_count; /* AgentCount has changed */
        uint64_t count_told_usec; /* CLOCK_MONOTONIC, the last time */
        sd_event_source *save_timer; /* host-save.c: something could not be written or removed */
        sd_event_source *leave_timer; /* leave.c */
        uint64_t leave_deadline_usec; /* 0: not asked to leave */
        sd_event_source *name_timer; /* takes the name even if the launcher stays away */
        bool online; /* we own the name, or have asked for it */
        bool ending; /* host_end() */
} Host;

/* Takes over config, also on failure; paths are borrowed. */
int host_new(sd_event *event, const Paths *paths, Config *config, Host **ret);
Host *host_free(Host *host);
static inline void host_freep(Host **host)
{
        host_free(*host);
}

/* Opens store and bus, reads the state, connects to the launcher. notify_fd is taken over. */
int host_start(Host *host, int notify_fd);

/* Ends the loop, when the registry knows what it has been told last; the agents run on. Everybody who waits
 * is answered, as sd-bus closes its connections with the loop, and the connection to the launcher is closed,
 * which would be flushed for as long as a launcher that hangs lets it wait. What was not sent is asked for
 * again by the next agenthostd. */
void host_end(Host *host);

/* Reads configuration and, by way of the launcher, runtimes again. */
void host_reload(Host *host);

/* Both are in effect: systemd and the bus are told. */
void host_reloaded(Host *host);

/* Called when both sides have been brought together for the first time, or when the launcher is too late. */
void host_go_online(Host *host);

Agent *host_find(Host *host, const char *id);
int host_find_or_fault(Host *host, const char *id, Agent **ret, Fault *fault);

/* Puts a new agent into the tables; the host owns it from here. */
void host_add(Host *host, Agent *agent);

/* Takes an agent out of every table, removes its state file, tells the bus, frees it. */
void host_forget(Host *host, Agent *agent);

/* To be called when an agent begins or ceases to be active. */
void host_count_active(Host *host, int change);

/* A pid now is, or is no longer, that of an agent's main process. */
void host_bind_pid(Host *host, Agent *agent);
void host_unbind_pid(Host *host, Agent *agent);
