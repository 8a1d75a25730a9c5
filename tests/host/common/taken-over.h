/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the tests test-taken-over*.c: the launcher is spoken to as the user agenthost. */

#include "launcher-fixture.h"

#define ERROR "org.agenthost.Host1.Error."
#define USER "agenthost"
#define MIB (1024u * 1024)

/* With the runtimes "sleep" (which lets callers set GOOD_*) and "open" (everything). */
Fixture *take_over(void);

void expect_empty_list(Fixture *f);

/* Nothing is there that should not be, and agents are started and stopped as ever. */
void expect_works(Fixture *f);

/* The error's text has this part. */
void expect_refused(const Spawned *s, const char *error, const char *part);

/* A service of somebody else's, with the name of a scope of ours nearly. */
#define VICTIM "agent-victim.service"
pid_t start_victim(void);
void expect_victim_alive(pid_t pid);
void stop_victim(void);

pid_t main_pid_of(const char *unit);
