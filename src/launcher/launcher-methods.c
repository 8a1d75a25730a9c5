/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-methods.h"

#include <signal.h>
#include <string.h>

#include "adopt.h"
#include "end.h"
#include "escape.h"
#include "fault-bus.h"
#include "freeze.h"
#include "launch.h"
#include "launcher.h"
#include "pidfd.h"
#include "runtimes-bus.h"
#include "scope.h"
#include "stop.h"
#include "strv.h"

/* 1: more will be said later. */
static int finish(int r, const Fault *fault, sd_bus_error *error)
{
        if (r < 0 && fault->kind != FAULT_NONE)
                return fault_to_bus_error(fault, error);
        return r < 0 ? r : 1;
}

static Child *find_child(const Launcher *l, const char *unit, Fault *fault)
{
        Child *child = child_table_find(&l->children, unit);

        if (!child)
                fault_set(fault, FAULT_NO_SUCH_AGENT, "There is no agent with unit %.255s", unit);
        return child;
}

/* What would only begin now is left to the next life of ours. */
static int refuse_reloading(sd_bus_error *error)
{
        return sd_bus_error_set(
                error, LAUNCHER_ERROR_RELOADING, "agenthost-launcher is executing itself again");
}

static int method_list_runtimes(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Launcher *l = userdata;
        int r;

        (void)ret_error;

        r = launcher_read_runtimes(l);
        if (r < 0)
                return r;
        return runtimes_reply(l->runtimes, l->probe, m);
}

static int read_texts(sd_bus_message *m, SpawnRequest *request)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "h");
        if (r < 0)
                return r;
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++) {
                r = sd_bus_message_read_basic(m, 'h', &request->texts[i]);
                if (r < 0)
                        return r;
                if (r == 0)
                        return -ENXIO;
        }
        if (!sd_bus_message_at_end(m, false))
                return -ENXIO;
        return sd_bus_message_exit_container(m);
}

static int method_spawn(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_strv_free_ char **environment = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        SpawnRequest request = { 0 };
        const Launcher *l = userdata;
        int r;

        if (l->reload)
                return refuse_reloading(ret_error);
        r = sd_bus_message_read(m, "sssis", &request.agent_id, &request.guild_id, &request.runtime,
                &request.machine_id, &request.client_type);
        if (r < 0)
                return r;
        r = sd_bus_message_read_strv(m, &environment);
        if (r < 0)
                return r;
        /* The unit properties: looked at when the runtime is known. */
        r = sd_bus_message_skip(m, "a(sv)");
        if (r < 0)
                return r;
        r = read_texts(m, &request);
        if (r == -ENXIO)
                r = fault_set(&fault, FAULT_INVALID_ARGS, "There are to be %d texts", AGENT_TEXT_COUNT);
        if (r >= 0) {
                request.environment = environment;
                r = launch_begin(userdata, &request, m, &fault);
        }
        return finish(r, &fault, ret_error);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Launcher *l = userdata;
        uint64_t timeout;
        const char *unit;
        Child *child;
        int r;

        r = sd_bus_message_read(m, LAUNCHER_STOP_IN, &unit, &timeout);
        if (r < 0)
                return r;
        if (timeout == 0 && agent_unit_is_valid(unit) && !child_table_find(&l->children, unit)) {
                r = launcher_end_stray(l, unit);
                return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
        }
        child = find_child(l, unit, &fault);
        if (!child)
                return fault_to_bus_error(&fault, ret_error);
        r = stop_begin(child, timeout);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, NULL);
}

static int check_kill(const char *who, int signal_number, Fault *fault)
{
        if (strcmp(who, "main") != 0 && strcmp(who, "all") != 0)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "Whom to signal is 'main' or 'all', not '%.32s'", who);
        if (signal_number <= 0 || signal_number > SIGRTMAX)
                return fault_set(fault, FAULT_INVALID_ARGS, "There is no signal %d", signal_number);
        return 0;
}

static int kill_child(const Child *child, const char *who, int signal_number, Fault *fault)
{
        sd_bus *bus = manager_bus(child->launcher->manager);
        int r;

        if (child->state != CHILD_RUNNING && child->state != CHILD_STOPPING)
                return fault_set(fault, FAULT_FAILED, "Agent %s is not running", child->agent_id);

        if (strcmp(who, "main") == 0)
                r = child_signal(child, signal_number);
        else
                r = bus ? scope_kill(bus, child->unit, signal_number) : -ENOTCONN;
        if (r < 0)
                return fault_set(
                        fault, FAULT_FAILED, "Cannot signal agent %s: %s", child->agent_id, strerror(-r));
        return 0;
}

static int method_kill(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *unit, *who;
        int32_t signal_number;
        Child *child;
        int r;

        r = sd_bus_message_read(m, LAUNCHER_KILL_IN, &unit, &who, &signal_number);
        if (r < 0)
                return r;
        child = find_child(userdata, unit, &fault);
        if (!child)
                return fault_to_bus_error(&fault, ret_error);
        r = check_kill(who, signal_number, &fault);
        if (r >= 0)
                r = kill_child(child, who, signal_number, &fault);
        if (r < 0)
                return finish(r, &fault, ret_error);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_extend(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const Launcher *l = userdata;
        uint64_t timeout;
        const char *unit;
        Child *child;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, LAUNCHER_EXTEND_IN, &unit, &timeout);
        if (r < 0)
                return r;
        /* One that has ended meanwhile needs no time. */
        child = child_table_find(&l->children, unit);
        r = child ? stop_extend(child, timeout) : 0;
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int method_freeze(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *unit;
        Child *child;
        int freeze, r;

        r = sd_bus_message_read(m, LAUNCHER_FREEZE_IN, &unit, &freeze);
        if (r < 0)
                return r;
        child = find_child(userdata, unit, &fault);
        if (!child)
                return fault_to_bus_error(&fault, ret_error);
        r = freeze_begin(child, freeze, m, &fault);
        return finish(r, &fault, ret_error);
}

static int append_child(sd_bus_message *reply, const Child *child)
{
        int r;

        r = sd_bus_message_open_container(reply, 'r', LAUNCHER_LIST_ITEM);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "ssssuhu", child->unit, child->agent_id, child->guild_id,
                child->runtime, (uint32_t)child->pid, child->pidfd, (uint32_t)child_phase(child));
        if (r < 0)
                return r;
        r = end_append(child, reply);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ Child **children = NULL;
        const Launcher *l = userdata;
        const char *after;
        size_t n;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, "s", &after);
        if (r < 0)
                return r;
        r = child_table_page(&l->children, after, LAUNCHER_PAGE, &children, &n);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(" LAUNCHER_LIST_ITEM ")");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_child(reply, children[i]);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int method_adopt(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Launcher *l = userdata;
        int r;

        if (l->reload)
                return refuse_reloading(ret_error);
        r = adopt_begin(l, m, &fault);
        return finish(r, &fault, ret_error);
}

static int method_acknowledge(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Launcher *l = userdata;
        const char *unit;
        int r;

        (void)ret_error;

        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &unit)) > 0) {
                Child *child = child_table_find(&l->children, unit);

                if (child && child->state == CHILD_ENDED) {
                        end_reap(child);
                        child_table_drop(&l->children, child);
                }
        }
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_settle(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)ret_error;

        launcher_settle(userdata);
        return sd_bus_reply_method_return(m, NULL);
}

/* As what we run, so that it is not agenthostd's to decide. */
static int check_may_reload(sd_bus_message *m, Fault *fault)
{
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        uid_t uid;
        int r;

        r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        if (r < 0)
                return r;
        if (uid != geteuid())
                return fault_set(
                        fault, FAULT_ACCESS_DENIED, "Only user %u may ask for it", (unsigned)geteuid());
        return 0;
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = check_may_reload(m, &fault);
        if (r >= 0)
                r = reload_begin(userdata, m, &fault);
        return finish(r, &fault, ret_error);
}

/* Who may call is decided when the connection is accepted. */
const sd_bus_vtable launcher_methods[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD(LAUNCHER_LIST_RUNTIMES,
                "",
                LAUNCHER_LIST_RUNTIMES_OUT,
                method_list_runtimes,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_SPAWN,
                LAUNCHER_SPAWN_IN,
                LAUNCHER_SPAWN_OUT,
                method_spawn,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_STOP, LAUNCHER_STOP_IN, "", method_stop, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_KILL, LAUNCHER_KILL_IN, "", method_kill, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_EXTEND, LAUNCHER_EXTEND_IN, "", method_extend, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_FREEZE, LAUNCHER_FREEZE_IN, "", method_freeze, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_LIST, "s", LAUNCHER_LIST_OUT, method_list, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_ADOPT,
                LAUNCHER_ADOPT_IN,
                LAUNCHER_ADOPT_OUT,
                method_adopt,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_ACKNOWLEDGE,
                LAUNCHER_ACKNOWLEDGE_IN,
                "",
                method_acknowledge,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_SETTLE, "", "", method_settle, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(LAUNCHER_RELOAD, "", "", method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL(LAUNCHER_RELOADING, "", 0),
        SD_BUS_SIGNAL(LAUNCHER_LAUNCHED, LAUNCHER_LAUNCHED_SIGNATURE, 0),
        SD_BUS_SIGNAL(LAUNCHER_UNSUPPORTED, LAUNCHER_UNSUPPORTED_SIGNATURE, 0),
        SD_BUS_SIGNAL(LAUNCHER_ENDED, LAUNCHER_ENDED_SIGNATURE, 0),
        SD_BUS_VTABLE_END,
};
