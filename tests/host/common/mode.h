/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the two modes of agenthost a test program is about: its tests are the same, what they look at is
 * the system's, or a user's. With AGENTHOST_TEST_MODE=user in the environment, every test is run as an
 * ordinary user who lingers, made for that. */

#include "proto/paths.h"

#define TEST_USER "tester"

bool mode_is_user(void);
const Paths *mode_paths(void);

/* As root, once for a test program: the user is there, and his service manager runs. */
void mode_prepare(void);

/* For a process that a test runs in: becomes the user. The way back is left open for mode_command_as_root().
 */
void mode_enter(void);

/* Before it exits: becomes root again, as a sanitizer may not look for leaks in who can become root. */
void mode_leave(void);

/* As root: nothing of the user's runs any more. */
void mode_finish(void);

/* command() of host-state.h, as root in either mode. */
char *mode_command_as_root(const char *line);
