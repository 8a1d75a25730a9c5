/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "access-details.h"
#include "agent-bus.h"
#include "agent-end.h"
#include "agent-location.h"
#include "agent-start.h"
#include "agent-wait.h"
#include "cgroup.h"
#include "drain.h"
#include "fleet-methods.h"
#include "host-discovery.h"
#include "host-fleet.h"
#include "host-life.h"
#include "host-metrics.h"
#include "host-peers.h"
#include "host-registry.h"
#include "host-save.h"
#include "log-agent.h"
#include "log-host.h"
#include "manager-bus.h"
#include "pidfd.h"
#include "proto/names.h"
#include "service-state.h"
#include "strv.h"
#include "time-util.h"
#include "unsupported.h"

/* A host whose launcher stays away answers all the same, and says so. */
#define LAUNCHER_WAIT_USEC (5 * USEC_PER_SEC)

/* How often AgentCount is told at most. */
#define TELL_COUNT_USEC (100 * USEC_PER_MSEC)

int host_new(sd_event *event, const Paths *paths, Config *config, Host **ret)
{
        Host *host = g_new0(Host, 1);

        *host = (Host){
                .event = sd_event_ref(event),
                .paths = paths,
                .config = config,
                .metrics = host_metrics_new(),
                .agents = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, NULL),
                .units = g_hash_table_new(g_str_hash, g_str_equal),
                .requests = g_hash_table_new(g_str_hash, g_str_equal),
                .pids = g_hash_table_new(g_direct_hash, g_direct_equal),
        };
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                host->last_texts[i].memfd = -EBADF;
        *ret = host;
        return 0;
}

static void free_agents(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                g_hash_table_iter_steal(&i);
                agent_free(value);
        }
}

Host *host_free(Host *host)
{
        if (!host)
                return NULL;

        host->ending = true;
        host_fleet_close(host);
        /* Before the agents: they are to stay, and so are the files of their guilds. */
        host_peers_close(host);
        guild_texts_free(host->guilds);
        free_agents(host);
        notify_free(host->notify);
        launcher_sync_free(host->sync);
        launcher_client_free(host->launcher);
        host_discovery_close(host);
        registry_free(host->registry);
        registry_settings_done(&host->registry_settings);
        g_free(host->life);
        access_free(host->access);
        sd_event_source_disable_unref(host->forget_timer);
        sd_event_source_disable_unref(host->tell_count);
        sd_event_source_disable_unref(host->name_timer);
        sd_event_source_disable_unref(host->save_timer);
        sd_event_source_disable_unref(host->leave_timer);
        bus_connection_free(host->connection);
        host_metrics_free(host->metrics);
        runtimes_free(host->runtimes);
        strv_free(host->unsupported);
        store_free(host->store);
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++) {
                g_free(host->last_texts[i].text);
                close_fd(host->last_texts[i].memfd);
        }
        g_hash_table_unref(host->pids);
        g_hash_table_unref(host->requests);
        g_hash_table_unref(host->units);
        g_hash_table_unref(host->agents);
        config_free(host->config);
        free(host->cgroup_root);
        free(host->cgroup_dir);
        sd_event_unref(host->event);
        g_free(host);
        return NULL;
}

Agent *host_find(Host *host, const char *id)
{
        return g_hash_table_lookup(host->agents, id);
}

int host_find_or_fault(Host *host, const char *id, Agent **ret, Fault *fault)
{
        Agent *a = host_find(host, id);

        if (!a)
                return fault_set(fault, FAULT_NO_SUCH_AGENT, "Agent %s not found", id);

        *ret = a;
        return 0;
}

static int on_tell_count(sd_event_source *s, uint64_t usec, void *userdata)
{
        Host *host = userdata;

        (void)s;
        (void)usec;

        host->tell_count = sd_event_source_disable_unref(host->tell_count);
        host->count_told_usec = now_usec(CLOCK_MONOTONIC);
        manager_bus_count_changed(host);
        return 0;
}

void host_count_active(Host *host, int change)
{
        host->n_active = (unsigned)((int)host->n_active + change);

        /* A thousand launches are a few signals. */
        if (host->tell_count || !host->online)
                return;
        if (sd_event_add_time(host->event, &host->tell_count, CLOCK_MONOTONIC,
                    usec_add(host->count_told_usec, TELL_COUNT_USEC), 0, on_tell_count, host) >= 0)
                (void)sd_event_source_set_priority(host->tell_count, SD_EVENT_PRIORITY_IDLE);
}

void host_bind_pid(Host *host, Agent *a)
{
        g_hash_table_insert(host->pids, GINT_TO_POINTER(a->pid), a);
}

void host_unbind_pid(Host *host, Agent *a)
{
        if (g_hash_table_lookup(host->pids, GINT_TO_POINTER(a->pid)) == a)
                g_hash_table_remove(host->pids, GINT_TO_POINTER(a->pid));
}

void host_add(Host *host, Agent *a)
{
        g_hash_table_insert(host->agents, a->id, a);
        g_hash_table_insert(host->units, a->unit, a);
        if (a->request_id)
                g_hash_table_insert(host->requests, a->request_id, a);
        if (!agent_has_ended(a))
                host_count_active(host, 1);
}

void host_forget(Host *host, Agent *a)
{
        /* First: sd-bus asks for the object, to name its interfaces. */
        manager_bus_removed(host, a);
        agent_location_drop(a);
        store_remove(host->store, a);
        host_unbind_pid(host, a);
        g_hash_table_remove(host->agents, a->id);
        g_hash_table_remove(host->units, a->unit);
        if (a->request_id)
                g_hash_table_remove(host->requests, a->request_id);
        if (!agent_has_ended(a))
                host_count_active(host, -1);
        /* With the last agent of a guild its file goes too. */
        agent_free(a);
        host_remove_later(host);
}

static void on_loaded(Agent *a, void *userdata)
{
        host_add(userdata, a);
        if (!agent_has_ended(a))
                agent_location_put(a);
        /* Known to the bus from the first moment it sees us; agents that were never launched are not. */
        a->announced = a->state != AGENT_QUEUED;
        a->location_told = a->location;
}

static void on_launcher_connected(void *userdata)
{
        Host *host = userdata;

        launcher_sync_connected(host->sync);
}

static void on_launcher_disconnected(void *userdata)
{
        Host *host = userdata;

        launcher_sync_disconnected(host->sync);
}

static void on_launched(const char *unit, pid_t pid, void *userdata)
{
        Host *host = userdata;
        Agent *a = g_hash_table_lookup(host->units, unit);

        if (a && !a->claim_call && !a->spawn_call && !a->start_doubted && !agent_has_ended(a))
                agent_launched(a, pid, pidfd_open_pid(pid));
}

static void on_unsupported(sd_bus_message *m, void *userdata)
{
        int r = unsupported_read(userdata, m);

        if (r < 0)
                log_error("Malformed " LAUNCHER_UNSUPPORTED " from agenthost-launcher: %s", strerror(-r));
}

static void on_ended(const char *unit, const AgentEnd *end, void *userdata)
{
        host_agent_ended(userdata, unit, end);
}

void host_go_online(Host *host)
{
        if (host->online)
                return;

        host->online = true;
        host->name_timer = sd_event_source_disable_unref(host->name_timer);
        host_arm_forget_timer(host);
        bus_connection_own_name(host->connection);
        host_peers_listen(host);
}

static int on_launcher_late(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        log_warning("agenthost-launcher does not answer; going on without it");
        host_go_online(userdata);
        return 0;
}

static int on_bus_connecting(sd_bus *bus, void *userdata)
{
        Host *host = userdata;
        int r;

        host->bus = bus;
        access_set_bus(host->access, bus);
        r = manager_bus_register(host);
        return r < 0 ? r : agent_bus_register(host);
}

static void on_bus_disconnected(void *userdata)
{
        Host *host = userdata;

        access_set_bus(host->access, NULL);
        host_fleet_calls_drop(host);
}

/* What clients missed they read again when they see the name (ObjectManager). */
static void on_name_owned(bool again, void *userdata)
{
        g_autofree char *state = NULL;
        Host *host = userdata;

        if (again)
                return;

        log_event(LOG_INFO, MESSAGE_HOST_READY, "Host %s is ready with %u agents", host->config->hostname,
                host->n_active);
        state = g_strdup_printf("READY=1\nSTATUS=%u agents", host->n_active);
        service_say(host->event, state);
}

static void on_name_refused(int error, void *userdata)
{
        Host *host = userdata;

        (void)sd_event_exit(host->event, error);
}

static void connect_bus(Host *host)
{
        static const BusConnectionHandlers handlers = {
                .connecting = on_bus_connecting,
                .disconnected = on_bus_disconnected,
                .owned = on_name_owned,
                .refused = on_name_refused,
        };

        const bool user_mode = host->paths->user_mode;

        if (!user_mode)
                host->access = access_new(NULL, host_describe_call, host);
        host->connection = bus_connection_new(host->event,
                user_mode ? sd_bus_open_user_with_description : sd_bus_open_system_with_description,
                BUS_NAME, &handlers, host);
}

static int load_state(Host *host)
{
        const char *dir = host->paths->state_dir;
        int r;

        r = store_open(dir, &host->store);
        if (r < 0) {
                log_error("Cannot open %s: %s; agenthostd.service makes it", dir, strerror(-r));
                return r;
        }

        host->guilds = guild_texts_new(host->store);
        r = store_load(host->store, host, host->guilds, on_loaded, host);
        if (r < 0) {
                log_error("Cannot read %s: %s", dir, strerror(-r));
                return r;
        }
        guild_texts_sweep(host->guilds);
        r = host_drain_load(host);
        if (r < 0)
                log_error("Cannot read in %s whether the host is draining: %s", dir, strerror(-r));
        return r;
}

/* The service manager is in init.scope right below the root of its control groups: PID 1, or our parent,
 * which is the user's. */
static void find_cgroups(Host *host)
{
        if (cgroup_find_root(host->paths->user_mode ? getppid() : 1, &host->cgroup_root) < 0 ||
                cgroup_find_dir(host->cgroup_root, &host->cgroup_dir, NULL) == -ENOMEM)
                g_error("The service manager's control group cannot be found out");
}

int host_start(Host *host, int notify_fd)
{
        static const LauncherHandlers handlers = {
                .connected = on_launcher_connected,
                .disconnected = on_launcher_disconnected,
                .launched = on_launched,
                .unsupported = on_unsupported,
                .ended = on_ended,
        };
        int r;

        find_cgroups(host);
        r = notify_new(host->event, notify_fd, host, &host->notify);
        if (r < 0) {
                log_error("Cannot use the notify socket: %s", strerror(-r));
                return r;
        }
        connect_bus(host);
        host->life = host_life_new(host->paths->user_mode ? getppid() : 1);
        host_registry_open(host);
        host_discovery_open(host);
        host_fleet_open(host);
        r = host_peers_open(host);
        if (r >= 0)
                r = load_state(host);
        if (r < 0)
                return r;

        host->sync = launcher_sync_new(host);
        host->launcher = launcher_client_new(host->event, host->paths, &handlers, host);
        host_metrics_open(host);
        return sd_event_add_time_relative(host->event, &host->name_timer, CLOCK_MONOTONIC,
                LAUNCHER_WAIT_USEC, 0, on_launcher_late, host);
}

static void hang_up(void *userdata)
{
        Host *host = userdata;
        GHashTableIter i;
        gpointer value;

        host_fleet_close(host);
        /* Peers are not to be told that we stop, but to come again. */
        host_peers_close(host);
        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                agent_wait_drop_all(value);
                (void)agent_claim_withdraw(value);
        }
        host->launcher = launcher_client_free(host->launcher);
        (void)sd_event_exit(host->event, 0);
}

void host_end(Host *host)
{
        if (host->ending)
                return;

        log_event(LOG_INFO, MESSAGE_HOST_STOPPING, "Stopping; the agents run on");
        host->ending = true;
        host_registry_flush(host, hang_up, host);
}

void host_reload(Host *host)
{
        Config *config;
        int r;

        (void)sd_notify(false, "RELOADING=1");
        r = config_load((const char *const *)host->paths->config_dirs, &config);
        if (r < 0)
                log_error("The configuration cannot be read again: %s", strerror(-r));
        else {
                config_free(host->config);
                host->config = config;
                log_set_level(config->log_level);
                log_info("Configuration read again");
                host_registry_reload(host);
                host_discovery_reload(host);
                host_peers_reload(host);
                host_metrics_reload(host);
        }
        launcher_sync_runtimes(host->sync);
}

void host_reloaded(Host *host)
{
        manager_bus_config_changed(host);
        service_say(host->event, "READY=1");
}
