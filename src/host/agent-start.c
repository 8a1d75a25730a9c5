/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-start.h"

#include <fcntl.h>
#include <string.h>

#include "agent-bus.h"
#include "agent-end.h"
#include "agent-location.h"
#include "agent-restart.h"
#include "agent-wait.h"
#include "drain.h"
#include "file-util.h"
#include "host-metrics.h"
#include "host-save.h"
#include "launcher-orders.h"
#include "log-agent.h"
#include "manager-bus.h"
#include "proto/names.h"
#include "spec.h"
#include "strv.h"
#include "time-util.h"
#include "unit-properties.h"
#include "watchdog.h"

/* Longer than the launcher's own limit for a launch: it answers first, and knows why. */
#define SPAWN_CALL_LIMIT_USEC (60 * USEC_PER_SEC)

/* What a request turns out to ask for. Texts are borrowed from the request. */
typedef struct CreatePlan {
        AgentSpec spec;
        GuildText *guild;
        const char *texts[_AGENT_TEXT_MAX];
        const RuntimeInfo *runtime;
        const char *client_type;
        bool client_type_fallback;
} CreatePlan;

static void create_plan_done(CreatePlan *plan)
{
        agent_spec_done(&plan->spec);
        guild_text_unref(plan->guild);
}

static int plan_texts(Host *host, const CreateRequest *req, CreatePlan *plan, Fault *fault)
{
        const char *client = req->options->client_properties;
        int r;

        r = agent_spec_parse(req->agent_spec, &plan->spec, fault);
        if (r >= 0)
                r = object_text_check("messaging_config", req->messaging_config, fault);
        if (r >= 0 && client)
                r = object_text_check("client_properties", client, fault);
        if (r >= 0)
                r = guild_texts_take(host->guilds, req->guild_spec, &plan->guild, fault);
        if (r < 0)
                return r;

        plan->texts[AGENT_TEXT_SPEC] = req->agent_spec;
        plan->texts[AGENT_TEXT_MESSAGING] = req->messaging_config[0] ? req->messaging_config : "{}";
        plan->texts[AGENT_TEXT_CLIENT] = client && client[0] ? client : "{}";
        return 0;
}

static int plan_runtime(Host *host, const CreateRequest *req, CreatePlan *plan, Fault *fault)
{
        int r;

        if (!host->runtimes || !launcher_client_is_usable(host->launcher))
                return fault_set(fault, FAULT_LAUNCHER_UNAVAILABLE,
                        "agenthost-launcher cannot be reached; see '%s status agenthost-launcher.service'",
                        host->paths->systemctl);

        r = runtimes_pick(host->runtimes, req->options->runtime, plan->spec.class_name, host->config,
                host->paths, &plan->runtime, fault);
        if (r < 0)
                return r;
        return runtime_pick_client_type(plan->runtime, req->options->client_type, host->config,
                &plan->client_type, &plan->client_type_fallback, fault);
}

/* policy: with which it would be started again. */
static int check_reschedule(
        const Host *host, const CreateOptions *options, RestartPolicy policy, Fault *fault)
{
        if (!options->reschedule)
                return 0;
        if (policy != RESTART_ALWAYS)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "Option 'reschedule' is for agents that are always started again, and this one's policy "
                        "is '%s'; set option 'restart' to 'always', or Restart=always in the runtime",
                        restart_policy_name(policy));
        if (registry_state(host->registry) == REGISTRY_OFF)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "Option 'reschedule' needs a registry that other hosts share; set RedisUrl= in "
                        "agenthost.conf");
        return 0;
}

static int admit(Host *host, const char *id, Fault *fault)
{
        Agent *existing;

        if (host->n_active >= host->config->max_agents)
                return fault_set(fault, FAULT_LIMIT_REACHED,
                        "Maximum number of processes (%u) reached; stop an agent, raise MaxAgents= or use another host",
                        host->config->max_agents);

        existing = host_find(host, id);
        if (existing && !agent_has_ended(existing))
                return fault_set(fault, FAULT_AGENT_EXISTS,
                        "Agent %s already exists; stop it first, or choose another id", id);
        if (existing)
                host_forget(host, existing);
        return 0;
}

static Agent *build_agent(Host *host, const CreateRequest *req, CreatePlan *plan)
{
        Agent *a = agent_new(host, plan->spec.id);
        a->name = g_strdup(plan->spec.name);
        a->class_name = g_strdup(plan->spec.class_name);
        a->runtime = g_strdup(plan->runtime->name);
        a->request_id = g_strdup(req->options->request_id);
        a->client_type = g_strdup(plan->client_type);
        a->machine_id = req->options->machine_id;
        a->guild = steal_ptr(plan->guild);
        a->timeout_option_usec = req->options->timeout_usec;
        a->restart_option = req->options->restart;
        a->create_until_ready = req->options->wait_ready;
        a->claim_needed = req->needs_claim;
        if (req->options->reschedule) {
                a->reschedule = true;
                a->runtime_option = g_strdup(req->options->runtime);
                a->client_type_option = g_strdup(req->options->client_type);
        }
        agent_use_runtime(a, plan->runtime);
        a->created_at_usec = now_usec(CLOCK_REALTIME);
        a->start_deadline_usec = usec_add(now_usec(CLOCK_MONOTONIC), a->start_timeout_usec);
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                a->texts[i] = g_strdup(plan->texts[i]);
        if (req->options->unit_properties)
                a->unit_properties = g_variant_ref(req->options->unit_properties);
        for (char **e = req->options->environment; e && *e; e++)
                if (strv_extend(&a->environment, *e) < 0)
                        g_error("Out of memory");
        return a;
}

void agent_launch_failed(Agent *a, const Fault *fault)
{
        if (!a->stop_requested)
                host_metrics_start_failed(a->host, fault->kind);
        if (agent_restart_failed(a, fault))
                return;

        a->result = "resources";
        a->exit_status = -1;
        agent_log_id(a, LOG_WARNING, MESSAGE_AGENT_START_FAILED, "Agent %s could not be started: %s", a->id,
                fault_text(fault));
        agent_wake(a, AGENT_EVENT_LAUNCHED, fault);
        agent_wake(a, AGENT_EVENT_READY, fault);
        agent_wake(a, AGENT_EVENT_ENDED, NULL);
        host_forget(a->host, a);
}

static int read_spawned(sd_bus_message *reply, pid_t *ret_pid, int *ret_pidfd)
{
        uint32_t pid;
        int r, fd;

        r = sd_bus_message_read(reply, LAUNCHER_SPAWN_OUT, NULL, &pid, &fd);
        if (r < 0)
                return r;

        /* The message keeps its own descriptor. Without one, for want of descriptors, the agent runs all the
         * same: it is for the launcher's next life only. */
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        *ret_pid = (pid_t)pid;
        *ret_pidfd = fd < 0 ? -EBADF : fd;
        return 0;
}

static void on_spawned(sd_bus_message *reply, const Fault *fault, void *userdata)
{
        _cleanup_fault_ Fault own = FAULT_INIT;
        Agent *a = userdata;
        int pidfd = -EBADF, r;
        pid_t pid = 0;

        if (fault) {
                /* Whether it was executed is not known then: what may be left is stopped after the
                 * reconnect. */
                if (fault->kind == FAULT_LAUNCHER_UNAVAILABLE)
                        launcher_sync_doubt(a->host->sync, a->unit);
                agent_launch_failed(a, fault);
                return;
        }

        r = read_spawned(reply, &pid, &pidfd);
        if (r < 0) {
                fault_set(
                        &own, FAULT_START_FAILED, "The launcher's answer cannot be read: %s", strerror(-r));
                launcher_sync_doubt(a->host->sync, a->unit);
                agent_launch_failed(a, &own);
                return;
        }

        agent_launched(a, pid, pidfd);
}

/* A memory file, the Host's. Agents of a guild come with the same messaging_config and client_properties. */
static int text_memfd(Host *host, AgentText which, const char *text)
{
        static const char *const names[_AGENT_TEXT_MAX] = { "agent_spec", "messaging_config",
                "client_properties" };
        TextFile *last = &host->last_texts[which];

        if (last->memfd >= 0 && strcmp(last->text, text) == 0)
                return last->memfd;

        close_fd(last->memfd);
        g_free(last->text);
        last->text = g_strdup(text);
        last->memfd = memfd_sealed(names[which], text, strlen(text));
        return last->memfd;
}

static int append_texts(sd_bus_message *m, Agent *a)
{
        Host *host = a->host;
        const int fds[AGENT_TEXT_COUNT] = {
                text_memfd(host, AGENT_TEXT_SPEC, a->texts[AGENT_TEXT_SPEC]),
                guild_text_memfd(a->guild),
                text_memfd(host, AGENT_TEXT_MESSAGING, a->texts[AGENT_TEXT_MESSAGING]),
                text_memfd(host, AGENT_TEXT_CLIENT, a->texts[AGENT_TEXT_CLIENT]),
        };
        int r;

        r = sd_bus_message_open_container(m, 'a', "h");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fds); i++)
                r = fds[i] < 0 ? fds[i] : sd_bus_message_append(m, "h", fds[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int agent_spawn(Agent *a, Fault *fault)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = launcher_client_message(a->host->launcher, LAUNCHER_SPAWN, &m);
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sssis", a->id, a->guild->guild_id, a->runtime, a->machine_id, a->client_type);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, a->environment);
        if (r >= 0)
                r = unit_properties_append(m, a->unit_properties);
        if (r >= 0)
                r = append_texts(m, a);
        if (r < 0)
                return fault_set(
                        fault, FAULT_START_FAILED, "The launch cannot be asked for: %s", strerror(-r));

        return launcher_client_call(
                a->host->launcher, m, SPAWN_CALL_LIMIT_USEC, on_spawned, a, &a->spawn_call, fault);
}

static void await_event(Agent *a, bool wait_ready, CreateDone done, void *userdata)
{
        if (wait_ready && !a->create_until_ready) {
                a->create_until_ready = true;
                (void)host_save(a->host, a);
        }
        agent_wait_add(
                a, wait_ready ? AGENT_EVENT_READY : AGENT_EVENT_LAUNCHED, USEC_INFINITY, done, userdata);
}

/* Answers at once what has happened already: of an agent that has been started again, that it was created.
 */
static void await(Agent *a, bool wait_ready, CreateDone done, void *userdata)
{
        bool launched = a->state != AGENT_QUEUED, again = a->n_restarts > 0 || a->state == AGENT_RESTARTING;

        if (launched && (!wait_ready || a->ready || again || agent_has_ended(a)))
                done(a, NULL, userdata);
        else
                await_event(a, wait_ready, done, userdata);
}

static void tell_agent(const CreateRequest *req, Agent *a, bool is_new)
{
        if (!req->ret_agent)
                return;
        *req->ret_agent = a;
        *req->ret_is_new = is_new;
}

/* Returns whether the request was made before: it is answered then, with the same result or a fault. */
static int answer_repeated(Host *host,
        const CreateRequest *req,
        const CreatePlan *plan,
        CreateDone done,
        void *userdata,
        Fault *fault)
{
        Agent *first;

        if (!req->options->request_id)
                return 0;
        first = g_hash_table_lookup(host->requests, req->options->request_id);
        if (!first)
                return 0;
        if (!agent_is_same_request(first, plan->spec.id, plan->guild, plan->texts))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "request_id '%s' was used for agent %s with other specs; use a new one for each request",
                        req->options->request_id, first->id);

        tell_agent(req, first, false);
        await(first, req->options->wait_ready, done, userdata);
        return 1;
}

static int
launch(Host *host, const CreateRequest *req, CreatePlan *plan, CreateDone done, void *userdata, Fault *fault)
{
        Agent *a = build_agent(host, req, plan);
        int r;

        r = store_save(host->store, a);
        if (r < 0) {
                agent_free(a);
                return fault_set(fault, FAULT_START_FAILED, "Cannot write its state file below %s: %s",
                        host->paths->state_dir, strerror(-r));
        }
        host_add(host, a);

        if (plan->client_type_fallback)
                agent_log(a, LOG_WARNING, "client_type '%s' is not one of runtime '%s'; agent %s gets '%s'",
                        req->options->client_type, a->runtime, a->id, a->client_type);

        tell_agent(req, a, true);
        /* In this order: what comes of it may come at once. */
        await(a, req->options->wait_ready, done, userdata);
        agent_claim_and_spawn(a, req->options->takeover);
        return 0;
}

static int create(Host *host, const CreateRequest *req, CreateDone done, void *userdata, Fault *fault)
{
        _cleanup_(create_plan_done) CreatePlan plan = { 0 };
        int r;

        r = plan_texts(host, req, &plan, fault);
        if (r < 0)
                return r;
        r = answer_repeated(host, req, &plan, done, userdata, fault);
        if (r != 0)
                return r < 0 ? r : 0;
        r = host_check_draining(host, fault);
        if (r >= 0)
                r = plan_runtime(host, req, &plan, fault);
        if (r >= 0)
                r = check_reschedule(host, req->options,
                        restart_policy_of(req->options->restart, plan.runtime->restart), fault);
        if (r >= 0)
                r = admit(host, plan.spec.id, fault);
        if (r < 0)
                return r;

        return launch(host, req, &plan, done, userdata, fault);
}

int host_create_agent(Host *host, const CreateRequest *req, CreateDone done, void *userdata, Fault *fault)
{
        int r = create(host, req, done, userdata, fault);

        if (r < 0)
                host_metrics_start_failed(host, fault->kind);
        return r;
}

static int on_start_timeout(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        char span[FORMAT_USEC_MAX];
        Agent *a = userdata;

        (void)s;
        (void)usec;

        a->start_timer = sd_event_source_disable_unref(a->start_timer);
        agent_log_id(a, LOG_WARNING, MESSAGE_AGENT_START_FAILED,
                "Agent %s failed to start within %s; killing it", a->id,
                format_usec(span, sizeof(span), a->start_timeout_usec));
        a->start_timed_out = true;
        (void)host_save(a->host, a);

        /* Should the launcher be away, launcher-sync.c asks again when it is back. */
        if (launcher_order_stop(a->host->launcher, a->unit, 0, &fault) < 0)
                agent_log(a, LOG_WARNING, "Agent %s cannot be killed now: %s", a->id, fault_text(&fault));
        return 0;
}

void agent_arm_start_timer(Agent *a)
{
        int r;

        if (a->state != AGENT_STARTING || a->start_deadline_usec == USEC_INFINITY || a->start_timer)
                return;

        r = sd_event_add_time(a->host->event, &a->start_timer, CLOCK_MONOTONIC, a->start_deadline_usec, 0,
                on_start_timeout, a);
        if (r < 0)
                g_error("Cannot arm a timer: %s", strerror(-r));
}

static void log_ready(const Agent *a)
{
        agent_log_id(a, LOG_INFO, MESSAGE_AGENT_READY, "Agent %s is ready", a->id);
}

void agent_launched(Agent *a, pid_t pid, int pidfd)
{
        bool again = a->announced, is_news = agent_awaits_launch(a);

        agent_enter_launched(a, pid, pidfd, now_usec(CLOCK_REALTIME));
        host_bind_pid(a->host, a);
        if (is_news)
                host_metrics_launched(a, again);
        (void)host_save(a->host, a);

        /* Those who wait are answered first: the rest is for everybody. */
        agent_wake(a, AGENT_EVENT_LAUNCHED, NULL);
        if (a->ready)
                agent_wake(a, AGENT_EVENT_READY, NULL);

        agent_location_put(a);
        manager_bus_added(a->host, a);
        if (again)
                agent_bus_changed(a, AGENT_CHANGED_LAUNCHED);
        agent_log_id(a, agent_event_level(a), MESSAGE_AGENT_LAUNCHED,
                "Agent %s launched as process %d in %s", a->id, (int)pid, a->unit);
        /* It was quicker than the launcher's answer. */
        if (a->notify && a->ready)
                log_ready(a);
        agent_arm_start_timer(a);
        agent_watchdog_begin(a);
}

void agent_found(Agent *a, pid_t pid, int pidfd)
{
        if (agent_awaits_launch(a)) {
                agent_launched(a, pid, pidfd);
                return;
        }

        a->pid = pid;
        close_fd(a->pidfd);
        a->pidfd = pidfd;
        host_bind_pid(a->host, a);
}

void agent_ready(Agent *a)
{
        bool known = a->ready;

        if (!agent_enter_ready(a, now_usec(CLOCK_REALTIME))) {
                /* Before the launcher's answer. It will not be said again, should we die before that comes.
                 */
                if (a->ready && !known)
                        (void)host_save(a->host, a);
                return;
        }

        a->start_timer = sd_event_source_disable_unref(a->start_timer);
        (void)host_save(a->host, a);
        log_ready(a);
        agent_bus_changed(a, AGENT_CHANGED_READY);
        agent_watchdog_begin(a);
        agent_wake(a, AGENT_EVENT_READY, NULL);
}
