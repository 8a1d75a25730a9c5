/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an agent uses of its host: read from its cgroup while it lives, afterwards as the launcher has last
 * read it. UINT64_MAX for what is not known. */

#include "host.h"

uint64_t agent_memory(const Agent *agent); /* bytes, now; not known of one that has ended */
uint64_t agent_memory_peak(const Agent *agent); /* bytes */
uint64_t agent_cpu_nsec(const Agent *agent);
