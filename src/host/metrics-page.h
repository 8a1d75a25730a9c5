/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes the page /metrics: what has been counted (host-metrics.h), and the state in which the host is now.
 * Labels have bounded sets of values; only the optional metrics of single agents have their ids, and there
 * are never more of them than the configuration says. Used by host-metrics.c. */

#include "host.h"

/* The caller's. */
GBytes *metrics_page_make(Host *host);

/* The word for an error: its name on D-Bus, without what stands before it in all of them. Static. */
const char *metrics_page_cause(FaultKind kind);
