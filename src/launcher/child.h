/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One agent: its process, its scope, how it ended. Launching (launch.c), stopping (stop.c) and ending
 * (end.c) drive it through its states:
 *
 *   forking -> waiting -> requested -> starting -> executing -> running -> stopping -> ended
 *      |          |           |           |            |           |                    ^
 *      +----------+-----------+-----------+------------+           +--------------------+
 *                             |
 *                          failing -> (gone)
 *
 * A Child is owned by the Launcher's table. Freeing it removes its event sources and pending calls, so that
 * no callback comes for it any more. */

#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "cgroup.h"
#include "fault.h"
#include "log.h"
#include "oom.h"
#include "proto/launcher.h"
#include "runtime.h"

typedef struct Launcher Launcher;
typedef struct Adoption Adoption;

typedef enum ChildState {
        CHILD_FORKING, /* the executor has been asked for a process */
        CHILD_WAITING, /* executor at its gate; systemd cannot be asked for a scope now */
        CHILD_REQUESTED, /* it has been asked */
        CHILD_STARTING, /* it has agreed: there is a job */
        CHILD_EXECUTING, /* the gate is open */
        CHILD_FAILING, /* the launch has failed, what is left of it goes */
        CHILD_RUNNING,
        CHILD_STOPPING,
        CHILD_ENDED, /* unreaped until acknowledged */
} ChildState;

typedef enum ScopeState {
        SCOPE_NONE, /* not asked for, or refused */
        SCOPE_UNKNOWN, /* asked for: nobody knows */
        SCOPE_THERE,
        SCOPE_GONE,
} ScopeState;

typedef struct Child {
        char *unit; /* first: the table's key */
        char *slice; /* NULL until child_join_guild() */
        OomGuild *guild; /* NULL: no memory for it */
        char *agent_id;
        char *guild_id;
        char *runtime; /* by name: looked up again after a wait */
        Launcher *launcher; /* borrowed, outlives us */
        ChildState state;

        pid_t pid; /* 0: none yet */
        int pidfd;
        sd_event_source *exit_source;
        bool adopted; /* PID 1's child, not ours to wait for */
        Adoption *adoption; /* borrowed; NULL but while it looks at us */

        ScopeState scope;
        uint32_t job; /* the start job */
        const char *scope_result; /* static; NULL while success */
        bool unheard; /* what systemd has said of it since it was last seen there may have been missed */
        bool has_stream; /* counts for the journal's limit */

        /* launch */
        int gate;
        bool has_worker; /* the executor has been asked, and is not released yet */
        sd_event_source *gate_source;
        sd_bus_slot *start_slot;
        uint64_t asked_after; /* the number of the last listing that was asked for before our scope was */
        uint64_t launch_deadline_usec;
        uint64_t scope_made_usec; /* CLOCK_MONOTONIC; 0: not by us */
        sd_bus_message *call; /* who asked, NULL once answered or gone */
        sd_bus_message *properties; /* the same while it has some that are still to be sent */
        Fault fault; /* why it fails */
        unsigned n_refused; /* properties, which systemd was asked without then */
        bool looked_into; /* the name was taken, and it has been looked by what */
        bool other_ends; /* what has the name has been told to end */
        bool cancelled; /* it may be asked for again: nothing was wrong with it */
        bool told; /* the caller, or else everybody, knows how it went */

        /* stop */
        int stop_signal;
        uint64_t stop_timeout_usec;
        uint64_t stop_deadline_usec; /* 0: we have not begun to stop it */
        bool requested;

        /* the limit of what is going on: the launch, the stop, the end of the scope */
        sd_event_source *timer;

        /* end */
        bool exited;
        bool removing; /* the scope would not go: it is stopped, which is nobody's wish */
        bool measured; /* what follows has been read, or cannot be any more */
        bool left_nobody; /* the scope is empty */
        CgroupUsage usage;
        OomCounts oom;
        const char *oom_level; /* static */
        int code; /* CLD_*; 0: unknown */
        int status;
        uint64_t ended_at_usec; /* CLOCK_REALTIME */
} Child;

/* Copies the texts; computes no names. pidfd and gate are -EBADF. */
int child_new(Launcher *launcher,
        const char *unit,
        const char *agent_id,
        const char *guild_id,
        const char *runtime,
        Child **ret);
Child *child_free(Child *child);
void child_freep(Child **child);

/* Names its slice. 0 or -ENOMEM. */
int child_join_guild(Child *child);

/* Takes over how it is stopped; NULL: the defaults, of a runtime that is no more. */
void child_set_runtime(Child *child, const Runtime *runtime);

bool child_is_launching(const Child *child); /* also while failing */
LauncherPhase child_phase(const Child *child);

/* Signals the main process. -EAGAIN for one that was given back and has not been found in its scope yet:
 * whoever gave it may have lied, and it may be anybody's. */
int child_signal(const Child *child, int signal_number);

/* One timer for the state that the child is in; a new one replaces it. */
int child_set_timer(Child *child, uint64_t usec, sd_event_time_handler_t handler);
void child_drop_timer(Child *child);

/* Closes our end of the gate: an executor that waits there exits. */
void child_drop_gate(Child *child);

#define child_log(c, level, ...)                                                                  \
        log_fields(level,                                                                         \
                (const LogField[]){ { "AGENT_ID", (c)->agent_id }, { "GUILD_ID", (c)->guild_id }, \
                        { "UNIT", (c)->unit } },                                                  \
                3, __VA_ARGS__)
