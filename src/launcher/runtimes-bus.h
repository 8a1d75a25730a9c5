/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The runtimes, and what of them this host does not do, as ListRuntimes tells them. */

#include <systemd/sd-bus.h>

#include "probe.h"
#include "runtime.h"

int runtimes_reply(const RuntimeSet *set, const Probe *probe, sd_bus_message *call);
