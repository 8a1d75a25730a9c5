/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When an agent is started again: policy, back-off, and the limit that all agents of the host share. Pure
 * arithmetic; agent-restart.c does what it says. Times are in microseconds of CLOCK_MONOTONIC.
 *
 * There is no number of restarts after which an agent is given up: the back-off makes one that fails for
 * ever cheap, and what it lacks (a server, a file) may come back. Given up, with result "start-limit-hit",
 * is what cannot heal by waiting: the runtime is gone, or it no longer takes what the agent was created
 * with; or another host has the id now. */

#include "fault.h"
#include "macros.h"

typedef enum RestartPolicy {
        RESTART_UNSET, /* of an option: as the runtime says */
        RESTART_NO,
        RESTART_ON_FAILURE, /* after any result but success; "lost" counts as a failure */
        RESTART_ALWAYS,
        _RESTART_POLICY_MAX,
} RestartPolicy;

/* "" for RESTART_UNSET. */
const char *restart_policy_name(RestartPolicy policy);

/* _RESTART_POLICY_MAX for a text that is none. */
RestartPolicy restart_policy_from_name(const char *name);

/* What the option says, or where it does not, the runtime. */
RestartPolicy restart_policy_of(RestartPolicy option, RestartPolicy runtime);

bool restart_policy_wants(RestartPolicy policy, bool success);

/* Whether a start that failed like this would fail for ever. */
bool restart_is_hopeless(FaultKind kind);

/* Who has been running for so long begins anew with RestartSec=. */
#define RESTART_RESET_USEC (60 * USEC_PER_SEC)

/* How long to wait before the restart number n_before (0: the first in a row) by RestartSec= and
 * RestartMaxSec=: doubling, and up to a quarter more so that agents which fell together do not rise together
 * (close to the maximum: up to a quarter less), never outside of the two. random: any number. */
uint64_t restart_delay_usec(uint64_t usec, uint64_t max_usec, unsigned n_before, uint32_t random);

/* So many restarts may begin within any second, on all of the host. */
#define RESTART_BUCKET_SIZE 10u

typedef struct RestartBucket {
        uint64_t slots[RESTART_BUCKET_SIZE]; /* the last ones, a ring; 0: none */
        unsigned next;
} RestartBucket;

/* Takes a turn: now, or the first moment later that is free. */
uint64_t restart_bucket_take(RestartBucket *bucket, uint64_t now_usec);
