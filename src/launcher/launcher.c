/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher.h"

#include <signal.h>
#include <string.h>

#include "adopt.h"
#include "cgroup.h"
#include "credentials.h"
#include "end.h"
#include "launch-scope.h"
#include "log.h"
#include "scope.h"
#include "strv.h"
#include "takeover.h"
#include "unknown-scope.h"

void launcher_for_each_child(Launcher *l, ChildVisit visit, void *userdata)
{
        _cleanup_free_ Child **children = NULL;
        size_t n;
        int r;

        r = child_table_list(&l->children, &children, &n);
        if (r < 0) {
                log_error("Cannot go through the agents: %s", strerror(-r));
                /* What has been missed is seen by the next listing. */
                manager_list(l->manager);
                return;
        }
        for (size_t i = 0; i < n; i++)
                visit(children[i], userdata);
}

static void on_connected(sd_bus *bus, void *userdata)
{
        Launcher *l = userdata;

        probe_begin(l->probe, bus);
}

static void on_probed(void *userdata)
{
        const Launcher *l = userdata;

        connections_emit_unsupported(l->connections, l->probe);
}

static void visit_disconnected(Child *child, void *userdata)
{
        (void)userdata;

        child->unheard |= child->scope == SCOPE_THERE;
        if (child_is_launching(child))
                launch_on_disconnected(child);
}

static void on_disconnected(void *userdata)
{
        Launcher *l = userdata;

        l->synced = false;
        probe_cancel(l->probe);
        launcher_for_each_child(l, visit_disconnected, NULL);
        adopt_on_disconnected(l);
}

static void visit_listed(Child *child, void *userdata)
{
        const ScopeList *list = userdata;
        const ScopeEntry *entry = scope_list_find(list, child->unit);

        if (child_is_launching(child))
                launch_on_listed(child, list->number, entry);
        else
                end_on_listed(child, entry);
}

typedef struct Sweep {
        const Launcher *launcher;
        const ScopeList *list;
} Sweep;

static bool keep_credentials(const char *unit, void *userdata)
{
        const Sweep *sweep = userdata;

        const Child *child = child_table_find(&sweep->launcher->children, unit);

        return (child && child->state != CHILD_ENDED) || scope_list_find(sweep->list, unit);
}

/* What cannot be removed is tried once more, with the next listing. */
void launcher_remove_credentials(Launcher *l, const char *unit)
{
        if (credentials_remove(l->settings.paths, unit) >= 0)
                return;

        l->swept = false;
        manager_list(l->manager);
}

bool launcher_is_ending(const Launcher *l, const char *unit)
{
        return l->ending && strv_contains(l->ending, unit);
}

static void forget_ending(Launcher *l, const char *unit)
{
        char **to = l->ending;

        for (char **from = l->ending; from && *from; from++)
                if (strcmp(*from, unit) == 0)
                        free(*from);
                else
                        *to++ = *from;
        if (to)
                *to = NULL;
}

/* A launch that wants the name waits for it (launch-scope.c). */
static void end_scope(Launcher *l, const char *unit)
{
        sd_bus *bus = manager_bus(l->manager);
        int r;

        r = scope_kill(bus, unit, SIGKILL);
        if (r >= 0)
                r = scope_stop(bus, unit);
        if (r >= 0 && !launcher_is_ending(l, unit))
                r = strv_extend(&l->ending, unit);
        if (r < 0)
                log_error("Cannot end %s, which is left of a launch: %s", unit, strerror(-r));
}

int launcher_end_stray(Launcher *l, const char *unit)
{
        if (!l->synced)
                return strv_extend(&l->strays, unit);

        end_scope(l, unit);
        return 0;
}

/* One that has become an agent's meanwhile is none any more. */
static void end_strays(Launcher *l, const ScopeList *list)
{
        for (char **unit = l->strays; unit && *unit; unit++) {
                Child *child = child_table_find(&l->children, *unit);

                if (!scope_list_find(list, *unit) || (child && child->scope != SCOPE_NONE))
                        continue;
                end_scope(l, *unit);
                /* A launch that wants the name waits for it. */
                if (child)
                        child->other_ends = true;
        }
        strv_free(l->strays);
        l->strays = NULL;
}

/* Of which that was not heard. */
static void forget_gone(Launcher *l, const ScopeList *list)
{
        char **to = l->ending;

        for (char **from = l->ending; from && *from; from++)
                if (scope_list_find(list, *from))
                        *to++ = *from;
                else
                        free(*from);
        if (to)
                *to = NULL;
}

static void on_listed(const ScopeList *list, void *userdata)
{
        Launcher *l = userdata;

        l->synced = true;
        forget_gone(l, list);
        if (!l->swept)
                l->swept = credentials_sweep(l->settings.paths, keep_credentials, &(Sweep){ l, list }) >= 0;
        end_strays(l, list);
        launcher_for_each_child(l, visit_listed, (void *)list);
        adopt_on_listed(l);
        if (l->settled && !l->looked_for_unknown) {
                l->looked_for_unknown = true;
                unknown_scopes_look(l, list);
        }
}

void launcher_settle(Launcher *l)
{
        foundlings_settle(l->foundlings);
        if (!l->settled)
                manager_list(l->manager);
        l->settled = true;
}

static void on_job_new(const char *unit, uint32_t job, void *userdata)
{
        const Launcher *l = userdata;
        Child *child = child_table_find(&l->children, unit);

        if (child)
                end_on_job(child, job);
}

static void on_job_removed(const char *unit, uint32_t job, const char *result, void *userdata)
{
        const Launcher *l = userdata;
        Child *child = child_table_find(&l->children, unit);

        if (!child)
                return;
        end_on_job_removed(child, job, result);
        launch_on_job_removed(child, job, result);
}

static void on_failed(const char *unit, const char *result, void *userdata)
{
        const Launcher *l = userdata;
        Child *child = child_table_find(&l->children, unit);

        if (child)
                end_on_scope_failed(child, result);
}

static void on_unit_removed(const char *unit, void *userdata)
{
        Launcher *l = userdata;
        Child *child = child_table_find(&l->children, unit);

        forget_ending(l, unit);
        if (!child)
                /* A former launcher's, that nobody has given back to us. */
                launcher_remove_credentials(l, unit);
        else if (child->scope == SCOPE_THERE)
                end_on_scope_gone(child);
        else
                launch_on_other_gone(child);
}

int launcher_read_runtimes(Launcher *l)
{
        const Paths *paths = l->settings.paths;
        RuntimeSet *set;
        int r;

        r = runtime_set_load((const char *const *)paths->runtimes_dirs, paths->user_mode, &set);
        if (r < 0)
                return r;

        runtime_set_free(l->runtimes);
        l->runtimes = set;
        return 0;
}

static int look_at_host(Launcher *l)
{
        _cleanup_free_ char *root = NULL;
        bool only = false;
        int r;

        r = cgroup_find_root(l->settings.paths->user_mode ? getppid() : 1, &root);
        if (r >= 0)
                r = cgroup_find_dir(root, &l->cgroup_dir, &only);
        if (r < 0 && r != -ENOENT)
                return r;

        r = probe_new(l->cgroup_dir, only, on_probed, l, &l->probe);
        if (r < 0)
                return r;
        return oom_fleet_new(
                probe_has_controller(l->probe, "memory") ? l->cgroup_dir : NULL, l->event, &l->oom);
}

/* With many launches in hand systemd has something to tell all the time, and whenever that wakes us up, one
 * of the two waits for a processor. No launch misses this time: systemd has others to make. */
#define LAUNCHES_MANY 16u
#define LAUNCHES_PACE_USEC (4 * USEC_PER_MSEC)

void launcher_pace(Launcher *l)
{
        (void)manager_set_pace(
                l->manager, executor_in_hand(l->executor) >= LAUNCHES_MANY ? LAUNCHES_PACE_USEC : 0);
}

int launcher_new(sd_event *event, const LauncherSettings *settings, Launcher **ret)
{
        static const ManagerHandlers handlers = {
                .connected = on_connected,
                .disconnected = on_disconnected,
                .listed = on_listed,
                .job_new = on_job_new,
                .job_removed = on_job_removed,
                .failed = on_failed,
                .unit_removed = on_unit_removed,
        };
        _cleanup_(launcher_freep) Launcher *l = calloc(1, sizeof(Launcher));
        int r;

        if (!l)
                return -ENOMEM;

        l->event = sd_event_ref(event);
        l->settings = *settings;
        l->settings.listen_fd = -EBADF;
        l->settings.reexec = NULL;
        l->streams.max = settings->streams_max;
        r = look_at_host(l);
        if (r < 0)
                return r;
        r = launcher_read_runtimes(l);
        if (r < 0)
                return r;
        takeover_restore(l, &settings->reexec->handover);
        r = foundlings_new(event, &l->children, settings->reexec->dumper, &l->foundlings);
        if (r < 0)
                return r;
        r = executor_new(event, settings->executor, &l->executor);
        if (r < 0)
                return r;
        r = manager_new(event, settings->paths->manager_address, &handlers, l, &l->manager);
        if (r < 0)
                return r;
        r = connections_new(l, settings->listen_fd, &l->connections);
        if (r < 0)
                return r;

        *ret = steal_ptr(l);
        return 0;
}

Launcher *launcher_free(Launcher *l)
{
        if (!l)
                return NULL;

        reload_free(l->reload);
        adopt_drop_all(l);
        connections_free(l->connections);
        child_table_done(&l->children);
        foundlings_free(l->foundlings);
        manager_free(l->manager);
        executor_free(l->executor);
        runtime_set_free(l->runtimes);
        probe_free(l->probe);
        oom_fleet_free(l->oom);
        strv_free(l->strays);
        strv_free(l->ending);
        free(l->cgroup_dir);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}

void launcher_freep(Launcher **l)
{
        *l = launcher_free(*l);
}

static void visit_forget_caller(Child *child, void *userdata)
{
        if (child->call && sd_bus_message_get_bus(child->call) == userdata)
                child->call = sd_bus_message_unref(child->call);
}

void launcher_forget_caller(Launcher *l, sd_bus *bus)
{
        launcher_for_each_child(l, visit_forget_caller, bus);
        adopt_forget_caller(l, bus);
        reload_forget_caller(l->reload, bus);
}

sd_bus *launcher_start_bus(const Launcher *l)
{
        return l->synced ? manager_bus(l->manager) : NULL;
}
