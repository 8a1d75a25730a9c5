/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debugger.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void debug(pid_t pid, int ready, int until)
{
        char byte;

        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
                _exit(EXIT_FAILURE);
        (void)!write(ready, "", 1);
        (void)!read(until, &byte, 1);
        _exit(EXIT_SUCCESS);
}

int debugger_attach(pid_t pid)
{
        int ready[2], until[2];
        pid_t parent;
        char byte;

        g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
        g_assert_cmpint(pipe2(until, O_CLOEXEC), ==, 0);
        parent = fork();
        g_assert_cmpint(parent, >=, 0);
        if (parent == 0) {
                (void)close(until[1]);
                if (fork() == 0)
                        debug(pid, ready[1], until[0]);
                _exit(EXIT_SUCCESS);
        }
        g_assert_cmpint(waitpid(parent, NULL, 0), ==, parent);
        (void)close(ready[1]);
        (void)close(until[0]);
        g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
        (void)close(ready[0]);
        return until[1];
}
