/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runtimes: how agents of a kind are started, read from root's ini files and nowhere else. The launcher's
 * authority lies here: what a Spawn can do is pick one of these. Read by launcher-bus.c (ListRuntimes), used
 * by child.c for plans and by scope.c for unit properties. One file is read in runtime-parse.c. */

#include <sys/resource.h>
#include <sys/types.h>

#include "fault.h"
#include "unit-property.h"

typedef enum RuntimeType {
        RUNTIME_EXEC,
        RUNTIME_NOTIFY,
} RuntimeType;

typedef enum RuntimeRestart {
        RUNTIME_RESTART_NO,
        RUNTIME_RESTART_ON_FAILURE,
        RUNTIME_RESTART_ALWAYS,
} RuntimeRestart;

typedef struct RuntimeLimit {
        bool set;
        struct rlimit value;
} RuntimeLimit;

typedef struct Runtime {
        char *name;
        char *path;
        char **match;
        char **exec; /* words, specifiers not yet expanded; the first is an absolute path without any but
                        "%%" */
        RuntimeType type;
        char *user; /* NULL only in user mode */
        char *group; /* NULL: the user's */
        char **supplementary_groups;
        char *working_directory; /* NULL: the default of the mode */
        mode_t umask;
        char **environment; /* NAME=value */
        RuntimeLimit limits[RLIM_NLIMITS];
        bool no_new_privileges;
        uint64_t start_timeout_usec;
        uint64_t stop_timeout_usec;
        uint64_t watchdog_usec; /* 0: off */
        int stop_signal;
        RuntimeRestart restart;
        uint64_t restart_usec;
        uint64_t restart_max_usec;
        bool output_null;
        char **client_types;
        char **allow_environment; /* globs */
        UnitProperty *properties; /* OOMPolicy= is always among them */
        size_t n_properties;
        char **require; /* each names one of properties */
} Runtime;

typedef struct RuntimeSet {
        Runtime **runtimes; /* sorted by name */
        size_t n_runtimes;
        char **refused; /* "FILE:LINE: what is wrong", or "FILE: ..." for what is missing; never NULL */
} RuntimeSet;

/* Reads every *.runtime file of dirs (NULL-terminated, highest precedence first; Paths.runtimes_dirs).
 * A file with an error is left out and stands in refused. Fails for want of memory or descriptors only. */
int runtime_set_load(const char *const *dirs, bool user_mode, RuntimeSet **ret);
RuntimeSet *runtime_set_free(RuntimeSet *set);
void runtime_set_freep(RuntimeSet **set);

/* The runtime of this name (borrowed from the set), or NULL. Any text may be asked for. */
const Runtime *runtime_set_find(const RuntimeSet *set, const char *name);

Runtime *runtime_free(Runtime *runtime);
void runtime_freep(Runtime **runtime);

const char *runtime_type_name(RuntimeType type);
const char *runtime_restart_name(RuntimeRestart restart);

/* Whether a caller's environment assignment (NAME=value) is well-formed and allowed by AllowEnvironment=.
 * Fault: InvalidArgs, or AccessDenied that names the variable and what to do. Names that begin with
 * AGENTHOST_, and NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, CREDENTIALS_DIRECTORY, are never allowed. */
int runtime_check_environment(const Runtime *runtime, const char *assignment, Fault *fault);
