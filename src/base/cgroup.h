/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the control groups of version 2 tell of agents: what they use, which controllers there are, and how
 * often a limit of memory was hit. Reading here never waits. Used by the launcher when an agent ends, by
 * agenthostd while it lives. */

#include <sys/types.h>

#include "macros.h"

/* Where a service manager's own group begins, as a path below the mount ("" for the system's manager on most
 * machines): manager is its process, which sits in init.scope right below. 0 or -ENOMEM: what cannot be
 * found out is "". */
int cgroup_find_root(pid_t manager, char **ret);

/* The same as a directory to be given to cgroup_open(). *ret_only: no controller is in use by version 1. 0,
 * -ENOENT where version 2 is not mounted, -ENOMEM. */
int cgroup_find_dir(const char *root, char **ret, bool *ret_only);

/* A directory, as a descriptor for the functions below; -ENOENT when it has gone: the group of a unit in a
 * guild's slice (unit NULL: of that slice; slice NULL: of agents.slice). dir may be NULL: nothing is there.
 */
int cgroup_open(const char *dir, const char *slice, const char *unit);

/* A file with one number; "max" is UINT64_MAX. */
int cgroup_read_number(int dir_fd, const char *file, uint64_t *ret);

/* A number behind a key, in a file of lines "KEY NUMBER". */
int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret);

/* Whether a word is in a file of words between blanks. */
int cgroup_read_word(int dir_fd, const char *file, const char *word);

/* Whether this is certain: that nobody is in it; that nobody but this process is, and none of it is frozen
 * by its own doing (not by that of a group around it). */
bool cgroup_is_empty(int dir_fd);
bool cgroup_holds_only(int dir_fd, pid_t pid);

typedef struct CgroupUsage {
        uint64_t memory_peak; /* bytes; in both, UINT64_MAX is for what is not known */
        uint64_t cpu_nsec;
} CgroupUsage;

#define CGROUP_USAGE_UNKNOWN ((CgroupUsage){ UINT64_MAX, UINT64_MAX })

/* Processor time of all that is or was in the group; memory that it uses, and the most that it has used,
 * which are told where there is a controller for it, the latter from Linux 5.19 on. */
uint64_t cgroup_read_cpu_nsec(int dir_fd);
uint64_t cgroup_read_memory(int dir_fd);
uint64_t cgroup_read_memory_peak(int dir_fd);
