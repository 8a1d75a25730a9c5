/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The metrics of the agents that there are: how many, in what state, of how many guilds; and, if the
 * configuration wants it, what single ones use. Used by metrics-page.c. */

#include "host.h"
#include "metrics-text.h"

void metrics_agents_write(MetricsText *t, Host *host);
