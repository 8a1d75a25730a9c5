/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of an agent: its exit is seen, what it left in its scope is killed, and when both exit status and
 * the end of the scope are known, the end is stated. The process stays a zombie until that is acknowledged:
 * it is the record, and it keeps the pid from being given to another. */

#include "child.h"
#include "scope-list.h"

/* Begins to watch the pidfd. */
int end_watch(Child *child);

/* Looks whether it has exited, without acting on it. */
bool end_poll_exit(Child *child);

/* The process is not the agent's, which therefore has ended somehow. The process is left alone. */
void end_as_lost(Child *child);

/* The same where the process is a dead child of ours, whose status is that of something else. */
void end_as_other(Child *child);

/* Kills all that is in the scope, and again every few seconds while something is left. */
void end_kill(Child *child);

/* Its exit is known, and it is not being launched any more. */
void end_on_exited(Child *child);

/* Signals of systemd. After the second the child may be gone, if it was being launched. */
void end_on_scope_failed(Child *child, const char *result);
void end_on_scope_gone(Child *child);
void end_on_job(Child *child, uint32_t job);
void end_on_job_removed(Child *child, uint32_t job, const char *result);

/* Systemd's list, with our entry in it or NULL. */
void end_on_listed(Child *child, const ScopeEntry *entry);

/* What LAUNCHER_END of the contract says. */
int end_append(const Child *child, sd_bus_message *m);

/* Takes the exit status away. */
void end_reap(Child *child);
