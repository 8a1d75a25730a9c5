/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Executing ourselves in place: the process stays, and with it the agents, whose parent it is. Done on
 * request (reload.c), and by a signal handler when we crash: nothing in our memory is of any use then, but
 * the children are there, and agenthostd knows which agents they are (Adopt).
 *
 * What is executed is the path that we were started by, so that a newer build takes over. What the new life
 * has to know comes in its environment: the listening socket as from the service manager (its number stays
 * the same), and one variable of our own, which says why, and where to find the Handover. Every other
 * descriptor but the standard ones is closed by the kernel. Used by main.c and reload.c. */

#include <sys/resource.h>

#include "handover.h"

typedef enum ReexecCause {
        REEXEC_NONE, /* started by the service manager */
        REEXEC_RELOAD,
        REEXEC_CRASH,
} ReexecCause;

typedef struct Reexec {
        ReexecCause cause;
        int signal; /* REEXEC_CRASH: which one it was */
        unsigned n_crashes; /* of late, this one included */
        pid_t dumper; /* a child that leaves a core file behind for us; 0: none */
        Handover handover; /* REEXEC_RELOAD */
        int handover_error; /* negative: there is none, the agents are to be adopted */
} Reexec;

/* After so many crashes within this time, the signal takes its usual course: the service manager starts us
 * again. */
#define REEXEC_CRASHES_MAX 5u
#define REEXEC_CRASHES_USEC (60 * USEC_PER_SEC)

/* Finds out how this life has begun. To be called before anything opens a descriptor. Closes those that
 * nobody has handed over; the handed ones are close-on-exec afterwards. */
void reexec_begin(Reexec *ret);
void reexec_done(Reexec *reexec);

/* Says in the log how this life has begun. */
void reexec_log(const Reexec *reexec);

/* From here on a crash is answered. argv is main's; nofile is what the limit is set back to. */
int reexec_arm(char **argv, int listen_fd, const struct rlimit *nofile);

/* Executes ourselves. Descriptors in the handover and the memory file with it stay open. Returns only on
 * failure. */
int reexec_execute(const Handover *handover, int memfd);
