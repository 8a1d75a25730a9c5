/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What status of agents (verb-status.c) and of the host (status-host.c) have in common. */

#include "ctl.h"
#include "unit-info.h"

#define STATUS_LABEL_WIDTH 11

/* "      Label: text" */
void status_line(const char *label, const char *format, ...) _printf_(2, 3);

/* The control group and its processes. */
void status_tree(const UnitInfo *unit, const Options *options);

int status_of_host(Ctl *ctl);
