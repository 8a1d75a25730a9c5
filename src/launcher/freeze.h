/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Freezing and thawing an agent's scope on request: systemd is asked, and its answer passed on. Nothing of
 * it is kept: stop.c thaws whatever it stops, and agenthostd remembers what is frozen. Used by
 * launcher-methods.c. */

#include "child.h"

/* Answers the call when systemd has. */
int freeze_begin(Child *child, bool freeze, sd_bus_message *call, Fault *fault);
