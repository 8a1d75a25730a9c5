/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Scopes of agents that nobody knows: agenthostd has lost what it knew while a launcher was killed. What is
 * left tells neither which of its processes is the agent nor how it was started, and somebody else may have
 * made it: it is left alone, and said in the log, with what to do. Used by launcher.c. */

#include "launcher.h"

/* Once agenthostd has given back what it knows: looks at those that are no child's, and says which of them
 * run below agents.slice. */
void unknown_scopes_look(Launcher *launcher, const ScopeList *list);
