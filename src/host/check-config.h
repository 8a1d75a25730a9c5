/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "agenthostd --check-config": reads the settings as the service would, and says what it would warn about.
 * What "agentctl check-config" runs; the runtimes are agenthost-launcher's to check. */

#include "proto/paths.h"

/* To standard output and standard error. 0: nothing is wrong; -EINVAL: something is, it has been said; or
 * -ENOMEM. */
int check_config(const Paths *paths);
