/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-usage.h"

#include "cgroup.h"
#include "escape.h"

static int open_cgroup(const Agent *a)
{
        _cleanup_free_ char *slice = NULL;

        if (guild_slice_name(a->guild->guild_id, &slice) < 0)
                g_error("Out of memory");
        return cgroup_open(a->host->cgroup_dir, slice, a->unit);
}

/* What is told in the moment of its launch says nothing that would be worth the looking up. */
static bool is_worth_asking(const Agent *a)
{
        return a->announced && agent_is_alive(a);
}

uint64_t agent_memory(const Agent *a)
{
        _cleanup_close_ int fd = is_worth_asking(a) ? open_cgroup(a) : -EBADF;

        return fd >= 0 ? cgroup_read_memory(fd) : UINT64_MAX;
}

uint64_t agent_memory_peak(const Agent *a)
{
        _cleanup_close_ int fd = is_worth_asking(a) ? open_cgroup(a) : -EBADF;

        return fd >= 0 ? cgroup_read_memory_peak(fd) : a->usage.memory_peak;
}

uint64_t agent_cpu_nsec(const Agent *a)
{
        _cleanup_close_ int fd = is_worth_asking(a) ? open_cgroup(a) : -EBADF;

        return fd >= 0 ? cgroup_read_cpu_nsec(fd) : a->usage.cpu_nsec;
}
