/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-sync.h"

#include <string.h>

#include "agent-end.h"
#include "agent-freeze.h"
#include "agent-restart.h"
#include "agent-start.h"
#include "drain.h"
#include "host.h"
#include "launcher-orders.h"
#include "listed-agent.h"
#include "log-agent.h"
#include "pidfd.h"
#include "time-util.h"
#include "unsupported.h"
#include "watchdog.h"

#define CALL_LIMIT_USEC (30 * USEC_PER_SEC)
#define RETRY_USEC USEC_PER_SEC

struct LauncherSync {
        Host *host; /* borrowed: it owns us */
        LauncherCall *call; /* the step that is under way */
        LauncherCall *runtimes_call;
        sd_event_source *retry;
        GHashTable *seen; /* units that the launcher has, while listing */
        GQueue adoptees; /* ids still to be offered, owned */
        GPtrArray *doubtful; /* units to stop, owned */
        bool settled;
        bool again; /* once this is settled */
};

static int list_next(LauncherSync *s, const char *after);
static void adopt_next(LauncherSync *s);

LauncherSync *launcher_sync_new(Host *host)
{
        LauncherSync *s = g_new0(LauncherSync, 1);

        *s = (LauncherSync){ .host = host, .doubtful = g_ptr_array_new_with_free_func(g_free) };
        g_queue_init(&s->adoptees);
        return s;
}

static void forget_progress(LauncherSync *s)
{
        s->settled = false;
        s->call = launcher_call_free(s->call);
        s->retry = sd_event_source_disable_unref(s->retry);
        g_clear_pointer(&s->seen, g_hash_table_unref);
        g_queue_clear_full(&s->adoptees, g_free);
}

LauncherSync *launcher_sync_free(LauncherSync *s)
{
        if (!s)
                return NULL;

        forget_progress(s);
        s->runtimes_call = launcher_call_free(s->runtimes_call);
        g_ptr_array_unref(s->doubtful);
        g_free(s);
        return NULL;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;

        launcher_sync_connected(userdata);
        return 0;
}

static void arm_retry(LauncherSync *s)
{
        if (!s->retry &&
                sd_event_add_time_relative(
                        s->host->event, &s->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, s) < 0)
                g_error("Cannot arm a timer");
}

/* While the connection lasts; a new one begins anew by itself. */
static void retry_later(LauncherSync *s, const char *what, const char *why)
{
        log_error("%s failed: %s; trying again", what, why);
        forget_progress(s);
        arm_retry(s);
}

void launcher_sync_again(LauncherSync *s)
{
        s->again = true;
        if (s->settled)
                arm_retry(s);
}

void launcher_sync_acknowledge(LauncherSync *s, const char *unit)
{
        if (launcher_order_acknowledge(s->host->launcher, unit) < 0)
                launcher_sync_again(s);
}

static int call_without_arguments(
        LauncherSync *s, const char *member, LauncherDone done, LauncherCall **call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = launcher_client_message(s->host->launcher, member, &m);
        return r < 0
                ? r
                : launcher_client_call_now(s->host->launcher, m, CALL_LIMIT_USEC, done, s, call, &fault);
}

/* Of a step that could not be asked for. If the connection has just broken, the next one begins anew. */
static void step_not_sent(LauncherSync *s, const char *what, int error)
{
        if (launcher_client_is_connected(s->host->launcher))
                retry_later(s, what, strerror(-error));
}

static void read_runtimes(Host *host, sd_bus_message *reply)
{
        Runtimes *runtimes;
        int r;

        r = runtimes_read(reply, &runtimes);
        if (r < 0) {
                log_error("The launcher's list of runtimes cannot be read: %s", strerror(-r));
                return;
        }

        runtimes_free(host->runtimes);
        host->runtimes = runtimes;
        r = unsupported_read(host, reply);
        if (r < 0)
                log_error("The launcher's list of unsupported properties cannot be read: %s", strerror(-r));
        log_info("%zu runtimes are offered", runtimes_count(runtimes));
}

static void on_runtimes_again(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        LauncherSync *s = userdata;

        if (fault)
                log_error("The runtimes could not be read again, trying on: %s", fault_text(fault));
        if (fault)
                launcher_sync_again(s);
        else
                read_runtimes(s->host, reply);
        host_reloaded(s->host);
}

void launcher_sync_runtimes(LauncherSync *s)
{
        s->runtimes_call = launcher_call_free(s->runtimes_call);
        if (call_without_arguments(s, LAUNCHER_LIST_RUNTIMES, on_runtimes_again, &s->runtimes_call) >= 0)
                return;

        /* Without a connection there is nothing to wait for: the next one begins with the runtimes. */
        if (launcher_client_is_connected(s->host->launcher))
                launcher_sync_again(s);
        host_reloaded(s->host);
}

bool launcher_sync_is_settled(const LauncherSync *s)
{
        return s->settled;
}

void launcher_sync_doubt(LauncherSync *s, const char *unit)
{
        if (launcher_order_end_now(s->host->launcher, unit) < 0)
                g_ptr_array_add(s->doubtful, g_strdup(unit));
}

/* Nobody has it: it was never launched, or a dead launcher was its only parent. */
static void settle_missing(LauncherSync *s, Agent *a)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (agent_has_ended(a) || a->claim_call || a->spawn_call || g_hash_table_contains(s->seen, a->unit))
                return;
        if (a->state == AGENT_RESTARTING) {
                agent_restart_missing(a);
                return;
        }
        if (a->state != AGENT_QUEUED) {
                g_queue_push_tail(&s->adoptees, g_strdup(a->id));
                return;
        }

        /* Should the launcher have died too, something of the launch may be left. */
        launcher_sync_doubt(s, a->unit);
        fault_set(&fault, FAULT_START_FAILED, "agenthostd was stopped before agent %s was launched", a->id);
        agent_launch_failed(a, &fault);
}

static void settle_all_missing(LauncherSync *s)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, s->host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value))
                g_ptr_array_add(all, value);
        for (guint k = 0; k < all->len; k++)
                settle_missing(s, all->pdata[k]);
}

static int read_page(sd_bus_message *reply, GArray *agents)
{
        ListedAgent agent;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(" LAUNCHER_LIST_ITEM ")");
        while (r >= 0 && (r = listed_agent_read(reply, &agent)) > 0)
                g_array_append_val(agents, agent);
        return r;
}

static void on_listed(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        g_autoptr(GArray) agents = g_array_sized_new(false, false, sizeof(ListedAgent), LAUNCHER_PAGE);
        LauncherSync *s = userdata;
        int r;

        if (fault) {
                if (launcher_client_is_connected(s->host->launcher))
                        retry_later(s, "Listing the launcher's agents", fault_text(fault));
                return;
        }

        r = read_page(reply, agents);
        if (r < 0) {
                retry_later(s, "Listing the launcher's agents", strerror(-r));
                return;
        }
        if (agents->len == 0) {
                settle_all_missing(s);
                adopt_next(s);
                return;
        }

        /* The next page is made while this one is looked at. */
        if (list_next(s, g_array_index(agents, ListedAgent, agents->len - 1).unit) < 0)
                return;
        for (guint i = 0; i < agents->len; i++) {
                const ListedAgent *agent = &g_array_index(agents, ListedAgent, i);

                g_hash_table_add(s->seen, g_strdup(agent->unit));
                listed_agent_merge(agent, s->host);
        }
}

static int list_next(LauncherSync *s, const char *after)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Host *host = s->host;
        int r;

        r = launcher_client_message(host->launcher, LAUNCHER_LIST, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", after);
        if (r >= 0)
                r = launcher_client_call_now(
                        host->launcher, m, CALL_LIMIT_USEC, on_listed, s, &s->call, &fault);
        if (r < 0)
                step_not_sent(s, "Asking for the launcher's agents", r);
        return r;
}

/* 0, i.e. at once, for an agent that did not become ready in time. */
static uint64_t time_left_to_stop(const Agent *a)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (a->start_timed_out || a->stop_deadline_usec <= now)
                return 0;
        return a->stop_deadline_usec == USEC_INFINITY ? USEC_INFINITY : a->stop_deadline_usec - now;
}

/* What we asked for before a connection broke, or before our own death, is asked for again. */
static void repeat_stops(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                Agent *a = value;

                if (!agent_is_alive(a) || (!a->stop_requested && !a->start_timed_out))
                        continue;
                if (launcher_order_stop(host->launcher, a->unit, time_left_to_stop(a), &fault) < 0)
                        agent_log(a, LOG_WARNING, "Agent %s cannot be stopped now: %s", a->id,
                                fault_text(&fault));
        }
}

static void resume_supervision(Host *host)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                agent_arm_start_timer(value);
                agent_watchdog_resume(value);
                agent_freeze_resume(value);
                agent_restart_resume(value);
        }
}

static void finish(LauncherSync *s)
{
        forget_progress(s);
        launcher_order_settle(s->host->launcher);
        launcher_client_resume(s->host->launcher);
        repeat_stops(s->host);
        s->settled = true;
        resume_supervision(s->host);
        host_drain_go_on(s->host);
        host_go_online(s->host);
        if (s->again)
                arm_retry(s);
}

/* The launcher has told the ends of those it refused; a refused one that lives on here is beyond anybody's
 * reach. */
static void on_adopted(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        LauncherSync *s = userdata;
        const char *unit;
        int r;

        if (fault) {
                if (launcher_client_is_connected(s->host->launcher))
                        retry_later(s, "Handing agents back to the launcher", fault_text(fault));
                return;
        }

        r = sd_bus_message_enter_container(reply, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &unit)) > 0) {
                const Agent *a = g_hash_table_lookup(s->host->units, unit);

                if (a && !agent_has_ended(a))
                        host_agent_ended(s->host, unit, &AGENT_END_LOST(a->created_at_usec));
        }
        if (r < 0)
                log_error("The launcher's answer to Adopt cannot be read: %s", strerror(-r));
        adopt_next(s);
}

static int append_adoptee(sd_bus_message *m, Agent *a)
{
        /* After our own death only the pid is left; the launcher checks that it is in the scope. */
        if (a->pidfd < 0)
                a->pidfd = pidfd_open_pid(a->pid);
        if (a->pidfd < 0)
                return 0;
        return sd_bus_message_append(
                m, "(ssssuh)", a->unit, a->id, a->guild->guild_id, a->runtime, (uint32_t)a->pid, a->pidfd);
}

/* A process that is gone without a trace. */
static void end_lost(Host *host, const char *id)
{
        const Agent *a = host_find(host, id);

        if (a && !agent_has_ended(a) && a->pidfd < 0)
                host_agent_ended(host, a->unit, &AGENT_END_LOST(a->created_at_usec));
}

static int fill_adopt_page(LauncherSync *s, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "(ssssuh)");
        for (unsigned n = 0; r >= 0 && n < LAUNCHER_PAGE && !g_queue_is_empty(&s->adoptees); n++) {
                g_autofree char *id = g_queue_pop_head(&s->adoptees);
                Agent *a = host_find(s->host, id);

                if (!a || agent_has_ended(a))
                        continue;
                r = append_adoptee(m, a);
                if (r >= 0)
                        end_lost(s->host, id);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void adopt_next(LauncherSync *s)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        if (g_queue_is_empty(&s->adoptees)) {
                finish(s);
                return;
        }

        r = launcher_client_message(s->host->launcher, LAUNCHER_ADOPT, &m);
        if (r >= 0)
                r = fill_adopt_page(s, m);
        if (r >= 0)
                r = launcher_client_call_now(
                        s->host->launcher, m, CALL_LIMIT_USEC, on_adopted, s, &s->call, &fault);
        if (r < 0)
                step_not_sent(s, "Handing agents back to the launcher", r);
}

static void on_runtimes(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        LauncherSync *s = userdata;

        if (fault) {
                if (launcher_client_is_connected(s->host->launcher))
                        retry_later(s, "Reading the launcher's runtimes", fault_text(fault));
                return;
        }

        read_runtimes(s->host, reply);
        s->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        (void)list_next(s, "");
}

void launcher_sync_connected(LauncherSync *s)
{
        int r = 0;

        forget_progress(s);
        s->again = false;

        for (guint i = 0; r >= 0 && i < s->doubtful->len; i++)
                r = launcher_order_end_now(s->host->launcher, s->doubtful->pdata[i]);
        if (r >= 0) {
                g_ptr_array_set_size(s->doubtful, 0);
                r = call_without_arguments(s, LAUNCHER_LIST_RUNTIMES, on_runtimes, &s->call);
        }
        if (r < 0)
                step_not_sent(s, "Bringing both sides together", r);
}

void launcher_sync_disconnected(LauncherSync *s)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, s->host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Agent *a = value;

                if (a->stop_requested && agent_is_alive(a))
                        a->stop_cut_off = true;
        }
        forget_progress(s);
}
