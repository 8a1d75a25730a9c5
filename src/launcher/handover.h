/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a launcher that executes itself hands to its successor, which may be a newer build, or an older one:
 * the agents, with all that nobody else could tell again (that an administrator asked for a stop, what
 * systemd said of a scope that has gone). A sequence of NUL-terminated "KEY=value" texts, first the version
 * of the format, then records that begin with "Unit". Keys that are not known are passed over, so fields can
 * be added; the version changes only when an older build could not do without what is new.
 *
 * Written and read by takeover.c, carried over in a sealed memory file by reexec.c. */

#include <sys/types.h>

#include "macros.h"

#define HANDOVER_FORMAT 1u
#define HANDOVER_SIZE_MAX (64u * 1024u * 1024u)

typedef struct HandoverAgent {
        const char *unit, *agent_id, *guild_id, *runtime; /* borrowed */
        const char *scope_result; /* NULL while success */
        int32_t pid;
        int32_t pidfd; /* its number, in both processes */
        uint32_t job;
        bool adopted;
        bool has_stream;
        bool requested;
        bool removing;
        bool stopping;
        bool exited;
        bool ended; /* exited, and its scope has gone */
        int32_t code;
        int32_t status;
        uint64_t stop_deadline_usec; /* CLOCK_MONOTONIC, 0: none */
        uint64_t ended_at_usec;
        bool measured; /* what follows has been */
        uint64_t memory_peak; /* UINT64_MAX: not known, also the next */
        uint64_t cpu_nsec;
        bool oom_known;
        uint64_t oom;
        const char *oom_level; /* NULL or "": none */
} HandoverAgent;

typedef struct Handover {
        char *text; /* what all of it is borrowed from, once parsed */
        const char *version; /* of the build that wrote it */
        HandoverAgent *agents;
        size_t n_agents;
        const char **strays; /* units to end */
        size_t n_strays;
} Handover;

/* The text is the caller's. 0 or -ENOMEM. */
int handover_write(const Handover *handover, char **ret, size_t *ret_size);

/* Takes over text, also on failure. -EPROTONOSUPPORT for another format, -EBADMSG for what is none. Records
 * without what makes an agent are left out. */
int handover_parse(char *text, size_t size, Handover *ret);

/* Releases text and arrays; descriptors are not touched. */
void handover_done(Handover *handover);
