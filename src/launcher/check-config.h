/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "agenthost-launcher --check-config": reads the runtimes as the service would, says which it offers, and
 * what is wrong with the others. What "agentctl check-config" runs. */

#include "proto/paths.h"

/* To standard output and standard error. 0: nothing is wrong; -EINVAL: something is, it has been said; or
 * -ENOMEM. */
int check_config(const Paths *paths);
