/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service manager knows of a unit: the control group, what it uses, the processes in it. Asked over
 * D-Bus, so that it works from afar. Used by status. */

#include "ctl.h"
#include "process-tree.h"

typedef struct UnitInfo {
        char *cgroup; /* NULL: systemd knows no such unit, or does not say */
        uint64_t memory, tasks; /* now; UINT64_MAX: not known */
        ProcessTree *processes;
} UnitInfo;

/* Never fails: what cannot be found out is left out. */
void unit_info_get(Ctl *ctl, const char *unit, UnitInfo *ret);
void unit_info_done(UnitInfo *info);
