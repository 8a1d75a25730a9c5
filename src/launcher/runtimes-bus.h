/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The runtimes as ListRuntimes tells them. */

#include <systemd/sd-bus.h>

#include "runtime.h"

int runtimes_reply(const RuntimeSet *set, sd_bus_message *call);
