/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A debugger that has attached itself to a process, lets it run, and never asks what becomes of it: until the
 * debugger has gone, the process's parent cannot reap it. */

#include <sys/types.h>

/* Attached on return. It is nobody's child but init's, and goes when what is returned is closed. */
int debugger_attach(pid_t pid);
