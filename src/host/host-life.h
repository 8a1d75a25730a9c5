/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* By which word a life of this host is known: from the start of its service manager to that one's end, with
 * which all agents end. It is another one after each boot, also of a container, and the same through all
 * restarts of our services. Other hosts learn from it that what ran here before does not run any more. */

#include <sys/types.h>

/* manager: the process of the service manager. The caller's (g_free). */
char *host_life_new(pid_t manager);
