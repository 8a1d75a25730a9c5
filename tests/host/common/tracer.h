/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* strace, attached to one process and none of its children: counts system calls, or lets one of them be the
 * process's last, or fail. */

#include <glib.h>
#include <sys/types.h>

#include "macros.h"

/* What happens at the n-th call of this name. */
typedef struct Injection {
        const char *call;
        unsigned n; /* 0: at every one */
        const char *error; /* that it fails with; NULL: SIGKILL instead of the call */
} Injection;

typedef struct Tracer {
        const char *const *calls; /* that are counted, up to NULL; may include what this machine lacks */
        const Injection *injection; /* NULL: they are only counted */
        bool paths; /* descriptors are shown with theirs */
        pid_t pid; /* who is traced */
        GPid strace; /* 0: not attached */
        FILE *says;
} Tracer;

/* Attached on return. */
void tracer_attach(Tracer *t, pid_t pid);

/* Detaches it. Does nothing if it is not attached. */
void tracer_detach(Tracer *t);

/* After it has been detached: the calls of this name, in their order, as strace shows them; the one
 * that was injected (NULL: none); whether there was one. */
char **tracer_calls(const char *call);
char *tracer_injected(void);
bool tracer_has_injected(void);

/* Which of the calls of this name is the first with this in its arguments; 0: none. */
unsigned tracer_find(const char *call, const char *part);

/* Waits until a call was injected that has this in its arguments, as strace shows them. */
void tracer_wait_injected(const char *part);
