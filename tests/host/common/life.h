/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lives of agents that sweeps go over. A client whose call fails asks again (insist.h); it gets what it
 * asked for, once; and how each agent ended is told rightly. */

#include "client.h"
#include "tracer.h"

/* Some are created; one is stopped, one ends, one is started again by its Restart=. */
void life_whole_prepare(const char *service);
void life_whole(Client *client, const char *service, Tracer *tracer);

/* By the methods of their objects: one is frozen and thawed; one is killed, started again by Restart(), and
 * killed again. */
void life_handled(Client *client, const char *service, Tracer *tracer);

/* Some run when they are drained; then the host resumes. */
void life_drained(Client *client, const char *service, Tracer *tracer);

/* The service is restarted and traced from its start on, while one runs and one ends. */
void life_over_restart_prepare(const char *service);
void life_over_restart(Client *client, const char *service, Tracer *tracer);
