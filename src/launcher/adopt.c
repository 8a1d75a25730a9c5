/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "adopt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "answer.h"
#include "end.h"
#include "escape.h"
#include "fault-bus.h"
#include "file-util.h"
#include "launcher.h"
#include "pidfd.h"
#include "scope.h"
#include "strv.h"

/* Includes a connection to systemd that has to be made again. */
#define ADOPT_LIMIT_USEC (20 * USEC_PER_SEC)

typedef struct AdoptionItem {
        Adoption *adoption;
        char *unit;
        sd_bus_slot *slot; /* the question whether the process is in the scope */
} AdoptionItem;

struct Adoption {
        Launcher *launcher;
        Adoption *next;
        sd_bus_message *call; /* NULL when the caller has gone */
        AdoptionItem items[LAUNCHER_PAGE];
        size_t n_items;
        size_t n_pending;
        char **refused;
        sd_event_source *timer;
};

static void adoption_free(Adoption *a)
{
        for (Adoption **at = &a->launcher->adoptions; *at; at = &(*at)->next)
                if (*at == a) {
                        *at = a->next;
                        break;
                }

        for (size_t i = 0; i < a->n_items; i++) {
                sd_bus_slot_unref(a->items[i].slot);
                free(a->items[i].unit);
        }
        sd_event_source_disable_unref(a->timer);
        sd_bus_message_unref(a->call);
        strv_free(a->refused);
        free(a);
}

/* The child of an item that has not been looked at, NULL for the others. */
static Child *pending_child(const AdoptionItem *item)
{
        const Launcher *l = item->adoption->launcher;
        Child *child = child_table_find(&l->children, item->unit);

        return child && child->adoption == item->adoption ? child : NULL;
}

/* Once all have been looked at. */
static void answer(Adoption *a)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        if (a->call) {
                r = sd_bus_message_new_method_return(a->call, &reply);
                if (r >= 0)
                        r = sd_bus_message_append_strv(reply, a->refused);
                if (r >= 0)
                        r = bus_send_answer(reply);
                if (r < 0)
                        log_warning("Cannot answer to %s: %s", LAUNCHER_ADOPT, strerror(-r));
        }
        adoption_free(a);
}

/* Those that are still pending are let go of as they are: nothing has been found out about them. */
static void give_up(Adoption *a, const Fault *fault)
{
        for (size_t i = 0; i < a->n_items; i++) {
                Child *child = pending_child(&a->items[i]);

                if (!child)
                        continue;
                child->adoption = NULL;
                if (!child->exited)
                        child_table_drop(&a->launcher->children, child);
        }

        if (a->call)
                (void)fault_reply(fault, a->call);
        adoption_free(a);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)s;
        (void)usec;

        fault_set(&fault, FAULT_LAUNCHER_UNAVAILABLE,
                "systemd has not said in time where the agents' processes are");
        give_up(userdata, &fault);
        return 0;
}

void adopt_settle(Child *child, bool taken_back)
{
        Adoption *a = child->adoption;

        child->adoption = NULL;
        if (!taken_back && strv_extend(&a->refused, child->unit) < 0)
                log_error("Out of memory: %s is not among the refused", child->unit);
        if (--a->n_pending == 0)
                answer(a);
}

static int on_found(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        AdoptionItem *item = userdata;
        Child *child = NULL;
        int r;

        (void)ret_error;

        /* The listing after the next connect asks again. */
        if (sd_bus_is_open(sd_bus_message_get_bus(reply)) <= 0)
                return 0;

        item->slot = sd_bus_slot_unref(item->slot);
        child = pending_child(item);
        if (!child || child->exited)
                return 0;

        r = scope_find_read(reply, item->unit);
        if (r < 0) {
                child_log(
                        child, LOG_ERR, "Cannot find out where process %d is: %s", child->pid, strerror(-r));
                return 0;
        }
        if (r > 0)
                adopt_settle(child, true);
        else {
                child_log(child, LOG_WARNING, "Process %d is not in the scope of agent %s, which has ended",
                        child->pid, child->agent_id);
                end_as_lost(child);
        }
        return 0;
}

static void ask(AdoptionItem *item)
{
        const Child *child = pending_child(item);
        sd_bus *bus = launcher_start_bus(item->adoption->launcher);
        int r;

        if (!child || child->exited || item->slot || !bus)
                return;

        r = scope_find(bus, child->pid, on_found, item, &item->slot);
        if (r < 0)
                child_log(child, LOG_ERR, "Cannot ask systemd where process %d is: %s", child->pid,
                        strerror(-r));
}

typedef struct AdoptedAgent {
        const char *unit, *agent_id, *guild_id, *runtime;
        uint32_t pid;
        int pidfd; /* borrowed */
        bool is_its_pid; /* the pidfd stands for this pid */
} AdoptedAgent;

static int check_agent(AdoptedAgent *agent, Fault *fault)
{
        _cleanup_free_ char *unit = NULL;
        pid_t pid = 0;
        int r;

        if (!id_is_valid(agent->agent_id) || !id_is_valid(agent->guild_id) || agent->pid == 0 ||
                agent->pid > INT32_MAX)
                return fault_set(fault, FAULT_INVALID_ARGS, "Not an agent that could have been started");
        if (agent_unit_name(agent->agent_id, &unit) < 0)
                return fault_set(fault, FAULT_FAILED, "Out of memory");
        if (strcmp(unit, agent->unit) != 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%.255s is not the unit of agent %s",
                        agent->unit, agent->agent_id);
        r = pidfd_get_pid(agent->pidfd, &pid);
        if (r == -EBADF)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "What came with agent %s does not stand for a process", agent->agent_id);
        /* Not to be taken for one that has gone. */
        if (r < 0 && error_may_pass(r))
                return fault_set(fault, FAULT_FAILED, "Cannot look at the process of agent %s: %s",
                        agent->agent_id, strerror(-r));

        agent->is_its_pid = r >= 0 && pid == (pid_t)agent->pid;
        return 0;
}

/* Where it is, or was before it died: systemd forgets that with the scope. Who cannot find out believes. */
static bool was_in_scope(const Child *c)
{
        _cleanup_free_ char *cgroup = NULL;
        const char *last;
        int r;

        r = pid_get_cgroup(c->pid, &cgroup);
        if (r < 0)
                return error_may_pass(r);
        last = strrchr(cgroup, '/');
        return last && strcmp(last + 1, c->unit) == 0;
}

/* Whether it is a child of ours; dead: and has ended. */
static bool is_own(const Child *c, bool *ret_dead)
{
        siginfo_t info = { 0 };

        if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return false;
        *ret_dead = info.si_pid != 0;
        return true;
}

/* A pid counts for nothing unless it is the pidfd's. */
static void look_at(AdoptionItem *item, Child *c, bool is_its_pid)
{
        bool dead = false;

        if (!is_its_pid) {
                end_as_lost(c);
                return;
        }

        c->adopted = !is_own(c, &dead);
        if (dead && !was_in_scope(c)) {
                child_log(c, LOG_WARNING, "Process %d was not in the scope of agent %s, which has ended",
                        c->pid, c->agent_id);
                end_as_other(c);
                return;
        }
        if (!c->adopted)
                foundlings_claim(c->launcher->foundlings, c->pid);
        /* Of a dead one, the exit event tells all. */
        if (!dead)
                ask(item);
}

static int take(Adoption *a, AdoptionItem *item, const AdoptedAgent *agent)
{
        _cleanup_(child_freep) Child *c = NULL;
        Launcher *l = a->launcher;
        const Runtime *runtime = runtime_set_find(l->runtimes, agent->runtime);
        int r;

        r = child_new(l, agent->unit, agent->agent_id, agent->guild_id, agent->runtime, &c);
        if (r < 0)
                return r;
        r = child_join_guild(c);
        if (r < 0)
                return r;

        child_set_runtime(c, runtime);
        c->adopted = true;
        c->state = CHILD_RUNNING;
        c->scope = SCOPE_THERE;
        c->unheard = true;
        c->told = true;
        c->has_stream = !(runtime && runtime->output_null) && streams_take(&l->streams);
        c->pid = (pid_t)agent->pid;
        c->pidfd = fcntl(agent->pidfd, F_DUPFD_CLOEXEC, 3);
        if (c->pidfd < 0)
                return -errno;

        r = end_watch(c);
        if (r < 0)
                return r;
        r = child_table_add(&l->children, c);
        if (r < 0)
                return r;

        item->adoption = c->adoption = a;
        a->n_items++;
        a->n_pending++;
        look_at(item, steal_ptr(c), agent->is_its_pid);
        return 0;
}

static int add_item(Adoption *a, AdoptedAgent *agent, Fault *fault)
{
        AdoptionItem *item = &a->items[a->n_items];
        int r;

        r = check_agent(agent, fault);
        if (r < 0)
                return r;
        if (child_table_find(&a->launcher->children, agent->unit))
                return 0;
        if (a->n_items == LAUNCHER_PAGE)
                return fault_set(fault, FAULT_INVALID_ARGS, "More than %u agents", LAUNCHER_PAGE);

        item->unit = strdup(agent->unit);
        r = item->unit ? take(a, item, agent) : -ENOMEM;
        if (r < 0) {
                free(item->unit);
                return fault_set(
                        fault, FAULT_FAILED, "Cannot take agent %s back: %s", agent->agent_id, strerror(-r));
        }
        return 0;
}

static int add_items(Adoption *a, sd_bus_message *call, Fault *fault)
{
        AdoptedAgent agent;
        int r;

        r = sd_bus_message_enter_container(call, 'a', "(ssssuh)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(call, "(ssssuh)", &agent.unit, &agent.agent_id, &agent.guild_id,
                        &agent.runtime, &agent.pid, &agent.pidfd)) > 0) {
                r = add_item(a, &agent, fault);
                if (r < 0)
                        return r;
        }
        return r;
}

int adopt_begin(Launcher *l, sd_bus_message *call, Fault *fault)
{
        Adoption *a = calloc(1, sizeof(Adoption));
        int r;

        if (!a)
                return -ENOMEM;

        a->launcher = l;
        a->next = l->adoptions;
        l->adoptions = a;
        /* Counts until all have been looked at once, so that the first does not end it all. */
        a->n_pending = 1;

        r = sd_event_add_time_relative(
                l->event, &a->timer, CLOCK_MONOTONIC, ADOPT_LIMIT_USEC, 0, on_limit, a);
        if (r >= 0)
                r = add_items(a, call, fault);
        if (r < 0) {
                give_up(a, fault);
                return r;
        }

        /* Of a stop job that there is nobody else will tell. */
        manager_list(l->manager);
        a->call = sd_bus_message_ref(call);
        if (--a->n_pending == 0)
                answer(a);
        return 0;
}

void adopt_on_listed(Launcher *l)
{
        for (Adoption *a = l->adoptions; a; a = a->next)
                for (size_t i = 0; i < a->n_items; i++)
                        ask(&a->items[i]);
}

void adopt_on_disconnected(Launcher *l)
{
        for (Adoption *a = l->adoptions; a; a = a->next)
                for (size_t i = 0; i < a->n_items; i++)
                        a->items[i].slot = sd_bus_slot_unref(a->items[i].slot);
}

void adopt_forget_caller(Launcher *l, const sd_bus *bus)
{
        for (Adoption *a = l->adoptions; a; a = a->next)
                if (a->call && sd_bus_message_get_bus(a->call) == bus)
                        a->call = sd_bus_message_unref(a->call);
}

void adopt_cancel_all(Launcher *l)
{
        while (l->adoptions) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(l->adoptions->call);

                if (call)
                        (void)bus_check_sent(sd_bus_message_get_bus(call),
                                sd_bus_reply_method_errorf(call, LAUNCHER_ERROR_RELOADING,
                                        "agenthost-launcher is executing itself again"));
                give_up(l->adoptions, NULL);
        }
}

void adopt_drop_all(Launcher *l)
{
        while (l->adoptions)
                adoption_free(l->adoptions);
}
