/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the executor gives up: every step that fails ends here. */

#include "proto/executor.h"

/* Fills a report in; error is a negative errno, subject may be NULL. Returns error. */
int report_fill(ExecutorReport *ret, ExecutorStep step, int error, const char *subject);

/* For the agent's process: tells the launcher (best effort) and exits. */
_Noreturn void report_send_and_exit(const ExecutorReport *report);
_Noreturn void report_and_exit(ExecutorStep step, int error, const char *subject);
