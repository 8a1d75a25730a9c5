/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An agent as agenthostd knows it: identity, state, how it ended. The state machine lives here and does no
 * I/O; agent-start.c, agent-stop.c and agent-end.c drive it, store.c writes it down, agent-bus.c shows it.
 *
 *                               frozen
 *                                 ^|
 *   queued ----> starting ----> running ----> stopping ----> exited, failed, lost
 *      |            ^              |              |               ^
 *      |            |              +--------------+---------------+
 *      |            +-- restarting <--------------+               |
 *      +--------------------------------------------------------- +
 *
 * An end that is followed by another start (agent-restart.h) leads to restarting instead of to a last state.
 *
 * An Agent is owned by the Host's table and freed by host_forget(); whoever waits holds an AgentWait
 * (agent-wait.h) or looks the id up again. */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include <glib.h>
#include <json-c/json.h>

#include "cgroup.h"
#include "guild-text.h"
#include "macros.h"
#include "registry.h"
#include "restart.h"

typedef struct Host Host;
typedef struct AgentWait AgentWait;
typedef struct Freezing Freezing;
typedef struct LauncherCall LauncherCall;

typedef enum AgentState {
        AGENT_QUEUED, /* asked for; the launcher has not executed it yet */
        AGENT_STARTING, /* executed, not ready */
        AGENT_RUNNING,
        AGENT_FROZEN, /* ready, and no process of it runs until it is thawed */
        AGENT_STOPPING,
        AGENT_RESTARTING, /* it has ended, and is started again; or is just being so */
        AGENT_EXITED, /* ended by an exit code of its own */
        AGENT_FAILED, /* any other end */
        AGENT_LOST, /* how it ended cannot be known */
        _AGENT_STATE_MAX,
} AgentState;

/* The texts an agent keeps of its own; the guild's is shared. */
typedef enum AgentText {
        AGENT_TEXT_SPEC,
        AGENT_TEXT_MESSAGING,
        AGENT_TEXT_CLIENT,
        _AGENT_TEXT_MAX,
} AgentText;

typedef struct Agent {
        Host *host; /* borrowed, outlives us */
        char *id;
        char *name;
        char *class_name;
        char *runtime;
        char *unit;
        char *path; /* of the D-Bus object */
        char *request_id; /* NULL: none given */
        char *client_type;
        int32_t machine_id;
        char **environment;
        GVariant *unit_properties; /* a(sv); NULL: none */
        char *texts[_AGENT_TEXT_MAX];
        GuildText *guild;

        AgentState state;
        bool notify; /* Type=notify: ready on READY=1 */
        bool ready;
        bool stopping_early; /* STOPPING=1 has overtaken the launcher's answer */
        bool announced; /* AgentAdded went out */
        bool stop_requested;
        bool stop_cut_off; /* the launcher that was asked to has gone: the next one may find it ended already
                            */
        bool start_timed_out;
        char *status_text;
        const char *result; /* static, systemd's words; "success" until it ended otherwise */
        int exit_status;
        const char *oom_level; /* static; "" but for an oom-kill */
        CgroupUsage usage; /* once ended */
        pid_t pid; /* 0 until executed; kept after the end */
        int pidfd;

        /* how it is started again: agent-restart.h */
        RestartPolicy restart;
        RestartPolicy restart_option; /* what CreateAgent said */
        bool create_until_ready; /* a CreateAgent waits for ready: an end before that is for good */
        bool restart_requested; /* by Restart(): not counted, not held back */
        bool start_doubted; /* whether the last start took place is not known: what is left of it goes */
        bool start_elsewhere; /* the launcher is at a start that an earlier life of ours asked for */
        bool has_turn; /* of the host's restarts */
        uint32_t n_restarts;
        uint32_t n_in_a_row; /* restarts since it last ran well: the back-off */
        uint64_t restart_usec;
        uint64_t restart_max_usec;
        uint64_t next_start_usec; /* CLOCK_MONOTONIC */
        uint64_t next_start_at_usec; /* the same in CLOCK_REALTIME; 0: none to come */
        uint64_t running_since_usec; /* CLOCK_MONOTONIC; 0: it is not ready */
        sd_event_source *restart_timer;

        /* watchdog.h */
        uint64_t watchdog_usec; /* 0: none */
        uint64_t watchdog_deadline_usec; /* CLOCK_MONOTONIC; the timer is set to one that has been */
        uint64_t abort_deadline_usec; /* CLOCK_MONOTONIC: of one that has missed it, then all is killed */
        bool watchdog_triggered; /* before the launcher's answer to the start */
        bool watchdog_timed_out;
        bool watchdog_killed;
        sd_event_source *watchdog_timer;

        /* agent-freeze.h */
        bool freeze_wanted;
        Freezing *freezing; /* or thawing: systemd has been asked */

        /* agent-reschedule.h */
        bool reschedule;
        char *runtime_option, *client_type_option; /* as they were given, of such an agent; NULL: not */

        /* agent-location.h */
        bool claim_needed; /* it is not launched without one, the first time */
        LocationState location;
        LocationState location_told; /* on the bus */
        bool in_registry; /* in the registry's table: claimed or put */
        RegistryCall *claim_call; /* its launch waits for that */

        uint64_t launch_begun_usec; /* CLOCK_MONOTONIC, of the launch that is under way; 0: it was not begun
                                       in this life of ours */
        uint64_t created_at_usec; /* CLOCK_REALTIME; 0: not yet */
        uint64_t ready_at_usec;
        uint64_t exited_at_usec;
        uint64_t
                start_end_usec; /* the same of the last end that was told while it was being started again */
        uint64_t timeout_option_usec; /* what CreateAgent said; 0: nothing */
        uint64_t start_timeout_usec;
        uint64_t start_deadline_usec; /* CLOCK_MONOTONIC */
        uint64_t stop_timeout_usec; /* the runtime's */
        uint64_t stop_deadline_usec; /* CLOCK_MONOTONIC, of a requested stop; 0: none */
        bool stop_time_given; /* by who asked for it: the agent cannot extend that */
        uint64_t forget_at_usec; /* CLOCK_MONOTONIC, once ended */

        sd_event_source *start_timer;
        bool unsaved; /* its state file is not what it should be: there was no space for it */
        sd_event_source *tell_status; /* StatusText is to be told and written down */
        uint64_t status_told_at_usec; /* CLOCK_MONOTONIC, the last time */
        LauncherCall *spawn_call;
        AgentWait *waits; /* those who wait for something of this agent, in order */
        struct json_object *unknown_fields; /* of a state file that a newer version wrote */
} Agent;

/* How an agent ended, as the launcher tells it. */
typedef struct AgentEnd {
        const char *result; /* static */
        int code; /* CLD_* or 0 */
        int status;
        bool requested;
        uint64_t when_usec;
        const char *oom_level; /* static */
        CgroupUsage usage;
} AgentEnd;

/* An end that nobody has seen. */
#define AGENT_END_LOST(usec)           \
        ((AgentEnd){ .result = "lost", \
                .status = -1,          \
                .when_usec = (usec),   \
                .oom_level = "",       \
                .usage = CGROUP_USAGE_UNKNOWN })

/* Computes unit and path from the id. */
Agent *agent_new(Host *host, const char *id);

/* Answers everybody who still waits (with a fault), cancels what is under way. */
Agent *agent_free(Agent *agent);

const char *agent_state_name(AgentState state);
AgentState agent_state_from_name(const char *name); /* _AGENT_STATE_MAX for none */

/* systemd's word as a static text; "lost" for one that is not known. */
const char *agent_result_intern(const char *result);

/* A level as a static text; "" for one that is not known. */
const char *agent_oom_level_intern(const char *level);

bool agent_has_ended(const Agent *agent);

/* Running as its users see it: executed and not ended. */
bool agent_is_alive(const Agent *agent);

/* Not executed: what comes of it now comes before the launcher's answer to the start. */
bool agent_awaits_launch(const Agent *agent);

/* Executed: starting, or running at once where readiness is not notified or came early. */
void agent_enter_launched(Agent *agent, pid_t pid, int pidfd, uint64_t now_realtime_usec);

/* READY=1. Returns whether anything changed. */
bool agent_enter_ready(Agent *agent, uint64_t now_realtime_usec);

/* Returns whether anything changed. */
bool agent_enter_stopping(Agent *agent);

/* Systemd has frozen or thawed it. Returns whether anything changed. */
bool agent_enter_frozen(Agent *agent, bool frozen);

/* It has ended and will be started again: nothing of its past life holds, but for how that ended. */
void agent_enter_restarting(Agent *agent);

/* Whether somebody asked for the end: us on request, or an administrator. Not when we had it killed for
 * being late. */
bool agent_end_is_requested(const Agent *agent, const AgentEnd *end);

/* The end: decides state and result. An end before ready that nobody asked for is a failure whatever the
 * exit code was: "timeout" when we killed it for that, "protocol" when it exited with 0. One that we aborted
 * is "watchdog". */
void agent_enter_ended(Agent *agent, const AgentEnd *end);

/* Whether a CreateAgent with these texts asks for the same agent again. */
bool agent_is_same_request(const Agent *agent,
        const char *id,
        const GuildText *guild,
        const char *const texts[_AGENT_TEXT_MAX]);
