/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The object that owns all of agenthost-launcher: the agents, the connection to systemd, the runtimes, the
 * connections that ask. What systemd says is handed to the agent that it concerns from here. */

#include <sys/resource.h>

#include "child-table.h"
#include "executor.h"
#include "foundling.h"
#include "launcher-bus.h"
#include "manager.h"
#include "oom.h"
#include "probe.h"
#include "proto/paths.h"
#include "reexec.h"
#include "reload.h"
#include "runtime.h"
#include "streams.h"

typedef struct LauncherSettings {
        const Paths *paths; /* borrowed */
        const char *executor; /* path */
        int listen_fd; /* taken over on success */
        uid_t client_uid; /* who may connect, besides root in system mode */
        struct rlimit nofile; /* what agents get where their runtime sets none */
        unsigned streams_max; /* of the journal, for our agents */
        const Reexec *reexec; /* how this life has begun; borrowed while it is being made */
} LauncherSettings;

struct Launcher {
        sd_event *event;
        LauncherSettings settings;
        ChildTable children;
        Foundlings *foundlings;
        RuntimeSet *runtimes; /* as last read */
        Executor *executor;
        Manager *manager;
        bool synced; /* connected to systemd, and a listing has been compared */
        bool swept; /* what is left of credentials of former agents has been removed */
        bool settled; /* agenthostd has given back to us, once, all that it knows */
        bool looked_for_unknown; /* after that */
        Connections *connections;
        Adoption *adoptions; /* under way */
        Reload *reload; /* likewise */
        char **strays; /* units to end once there is a connection to systemd */
        char **ending; /* those that have been told to end, and have not gone yet */
        char *cgroup_dir; /* where agents.slice is; NULL: nowhere */
        Probe *probe;
        OomFleet *oom;
        Streams streams;
};

typedef void (*ChildVisit)(Child *child, void *userdata);

int launcher_new(sd_event *event, const LauncherSettings *settings, Launcher **ret);
Launcher *launcher_free(Launcher *launcher);
void launcher_freep(Launcher **launcher);

/* A visit may free the child that it is given, and no other. */
void launcher_for_each_child(Launcher *launcher, ChildVisit visit, void *userdata);

/* Reads the files anew; on failure the old ones stay. */
int launcher_read_runtimes(Launcher *launcher);

/* A connection closes: what was asked on it goes on, with nobody to answer. */
void launcher_forget_caller(Launcher *launcher, sd_bus *bus);

/* Of an agent whose end is known. */
void launcher_remove_credentials(Launcher *launcher, const char *unit);

/* The connection on which scopes can be started; NULL while that has to wait. */
sd_bus *launcher_start_bus(const Launcher *launcher);

/* A launch has come into hand, or is done. */
void launcher_pace(Launcher *launcher);

/* agenthostd has no more agents to give back. */
void launcher_settle(Launcher *launcher);

/* Ends a scope that is none of our children's, with all that is in it: at once, or after the next listing.
 */
int launcher_end_stray(Launcher *launcher, const char *unit);

/* Whether such a one is about to go. */
bool launcher_is_ending(const Launcher *launcher, const char *unit);
