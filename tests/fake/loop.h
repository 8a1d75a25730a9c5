/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A test's event loop. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#define LOOP_LIMIT_SEC 30

sd_event *loop_new(void);

/* Runs the loop until it holds; the test fails when that takes too long. It is asked every few milliseconds,
 * also of what other threads do. */
void loop_until(sd_event *event, bool (*holds)(void *userdata), void *userdata);

/* Runs the loop for a while: for what must not happen. */
void loop_for(sd_event *event, unsigned msec);
