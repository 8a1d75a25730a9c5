/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agenthostd needs to know of the runtimes, as the launcher tells it (nobody parses the files twice),
 * and which of them an agent gets. */

#include <systemd/sd-bus.h>

#include "config.h"
#include "fault.h"
#include "proto/paths.h"
#include "restart.h"

typedef struct RuntimeInfo {
        char *name;
        char **match;
        bool notify;
        uint64_t start_timeout_usec;
        uint64_t stop_timeout_usec;
        uint64_t watchdog_usec; /* 0: off */
        RestartPolicy restart;
        uint64_t restart_usec;
        uint64_t restart_max_usec;
        char **client_types;

        /* Only to be told; NULL: the launcher, of an earlier version, did not say. */
        char *file, *executable, *user;
        char **allow_environment, **unit_properties;
} RuntimeInfo;

typedef struct Runtimes Runtimes;

/* Reads the reply of ListRuntimes; refused files are logged. */
int runtimes_read(sd_bus_message *reply, Runtimes **ret);
Runtimes *runtimes_free(Runtimes *runtimes);
static inline void runtimes_freep(Runtimes **runtimes)
{
        runtimes_free(*runtimes);
}

size_t runtimes_count(const Runtimes *runtimes);

/* In the order of their names. */
const RuntimeInfo *runtimes_get(const Runtimes *runtimes, size_t index);

/* How many files are not offered, because of what is wrong in them. */
size_t runtimes_count_refused(const Runtimes *runtimes);

/* By name if one is asked for, else the first (by name) with a Match= for class_name, else the configured
 * default. Fault: NoSuchRuntime. runtimes may be NULL: none known. */
int runtimes_pick(const Runtimes *runtimes,
        const char *name,
        const char *class_name,
        const Config *config,
        const Paths *paths,
        const RuntimeInfo **ret,
        Fault *fault);

/* The client type an agent gets (borrowed): the one asked for if the runtime knows it or names none, else
 * the runtime's first with *ret_fallback set, or a fault where the configuration rejects it. */
int runtime_pick_client_type(const RuntimeInfo *runtime,
        const char *client_type,
        const Config *config,
        const char **ret,
        bool *ret_fallback,
        Fault *fault);
