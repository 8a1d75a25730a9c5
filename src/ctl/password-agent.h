/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* polkit's agent for terminals, which asks for the password that acting may need. */

#include <sys/types.h>

#include "macros.h"

/* Returns when it is there. 0: none is needed (root), none can ask (no terminal), or none is installed. */
pid_t password_agent_start(void);

void password_agent_stop(pid_t pid);
