/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of a launch that is systemd's: from the wish for a scope to the open gate. What systemd says
 * comes from launcher.c. After each of these the child may be gone. */

#include "child.h"
#include "scope-list.h"

/* Without a connection the child stays waiting. */
void launch_request_scope(Child *child);

void launch_on_job_removed(Child *child, uint32_t job, const char *result);
void launch_on_scope_gone(Child *child);

/* A unit of our name has gone that was not ours. */
void launch_on_other_gone(Child *child);

void launch_on_disconnected(Child *child);

/* Systemd's list of this number, with our entry in it or NULL. */
void launch_on_listed(Child *child, uint64_t number, const ScopeEntry *entry);
