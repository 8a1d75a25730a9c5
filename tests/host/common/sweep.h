/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sweeps: a service is killed at one of its system calls, or one of them fails, while agents live; then the
 * same again with the next call. First a life is looked at that nothing happens to, so that it is known
 * which calls there are. A point is such a call. Each is a test of its own: the others are tried however it
 * ends.
 *
 * Every seventh point is tried, another one every day, with one of the errors that the call can fail with;
 * all with AGENTHOST_TEST_ALL. AGENTHOST_TEST_POINTS is "EVERY" or "EVERY:FIRST" instead (with
 * AGENTHOST_TEST_ALL: these points, with all errors), or "CALL:N" for a single point, "CALL" for all of
 * that name. Which are tried is said. */

#include "client.h"
#include "tracer.h"

typedef struct Sweep {
        const char *service;
        bool errors; /* calls fail, instead of the service being killed */

        /* It reads its settings meanwhile. One of their files that cannot be read because it is broken is
         * left out then, which is as it should be, and no point. */
        bool settings;

        /* Runtimes and drop-ins that the life needs: again after a point that failed. */
        void (*prepare)(const char *service);

        /* The life. It attaches the tracer when it likes. Whatever it expects holds at every point. */
        void (*live)(Client *client, const char *service, Tracer *tracer);
} Sweep;

void sweep_run(const Sweep *sweep);
