/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart.h"

#include <glib.h>
#include <string.h>

#include "time-util.h"

#define BUCKET_WINDOW_USEC USEC_PER_SEC

static const char *const policy_names[_RESTART_POLICY_MAX] = {
        [RESTART_UNSET] = "",
        [RESTART_NO] = "no",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_ALWAYS] = "always",
};

const char *restart_policy_name(RestartPolicy policy)
{
        return policy_names[policy];
}

RestartPolicy restart_policy_from_name(const char *name)
{
        RestartPolicy p = RESTART_NO;

        while (p < _RESTART_POLICY_MAX && strcmp(policy_names[p], name) != 0)
                p++;
        return p;
}

RestartPolicy restart_policy_of(RestartPolicy option, RestartPolicy runtime)
{
        return option != RESTART_UNSET ? option : runtime;
}

bool restart_policy_wants(RestartPolicy policy, bool success)
{
        return policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && !success);
}

bool restart_is_hopeless(FaultKind kind)
{
        return kind == FAULT_NO_SUCH_RUNTIME || kind == FAULT_ACCESS_DENIED || kind == FAULT_INVALID_ARGS ||
                kind == FAULT_AGENT_EXISTS;
}

static uint64_t doubled(uint64_t usec, uint64_t max_usec, unsigned times)
{
        while (times-- > 0 && usec < max_usec)
                usec = usec_add(usec, usec);
        return MIN(usec, max_usec);
}

uint64_t restart_delay_usec(uint64_t usec, uint64_t max_usec, unsigned n_before, uint32_t random)
{
        uint64_t delay, jitter;

        max_usec = MAX(max_usec, usec);
        delay = doubled(usec, max_usec, n_before);
        if (delay == USEC_INFINITY)
                return delay;

        jitter = random % (delay / 4 + 1);
        if (delay + jitter <= max_usec)
                return delay + jitter;
        return MAX(max_usec - jitter, usec);
}

uint64_t restart_bucket_take(RestartBucket *b, uint64_t now_usec)
{
        uint64_t *oldest = &b->slots[b->next];
        uint64_t slot = *oldest > 0 ? MAX(usec_add(*oldest, BUCKET_WINDOW_USEC), now_usec) : now_usec;

        *oldest = slot;
        b->next = (b->next + 1) % RESTART_BUCKET_SIZE;
        return slot;
}
