/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a service says of itself to its service manager (sd_notify(3)), where it matters that it arrives: one
 * that is never heard to be ready is ended after a while. Used by both daemons. */

#include <systemd/sd-event.h>

/* Says it now, or as soon as it can be said. */
void service_say(sd_event *event, const char *state);
