/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Children that we have without knowing of them, because a crash has made us forget: after it, the kernel
 * tells which children there are, and the cgroup of each what it is. Executors are of no use any more and
 * are ended. A child in the scope of an agent is left alone, dead or alive: agenthostd claims it (adopt.c),
 * or says that nobody will (settle); then it is reaped when it has ended. Owned by the Launcher. */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "child-table.h"

typedef struct Foundlings Foundlings;

/* To be called before anything starts a child. known are no foundlings; dumper (0: none) is one that is left
 * to end by itself. */
int foundlings_new(sd_event *event, const ChildTable *known, pid_t dumper, Foundlings **ret);
Foundlings *foundlings_free(Foundlings *foundlings);

/* It belongs to somebody. */
void foundlings_claim(Foundlings *foundlings, pid_t pid);

/* The others belong to nobody. */
void foundlings_settle(Foundlings *foundlings);
