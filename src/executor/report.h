/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the executor gives up: every step that fails ends here. */

#include "proto/executor.h"

/* Tells the launcher (best effort) and exits. error is a negative errno. */
_Noreturn void report_and_exit(ExecutorStep step, int error, const char *subject);
