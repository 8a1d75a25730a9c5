/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

bool progress_is_wanted(void)
{
        return isatty(STDERR_FILENO);
}

static void show(Progress *p)
{
        if (p->all < 2 || p->done >= p->all || !progress_is_wanted())
                return;
        fprintf(stderr, "\r[%zu/%zu] %s ", p->done, p->all, p->what);
        fflush(stderr);
        p->shown = true;
}

void progress_begin(Progress *p, const char *what, size_t done, size_t all)
{
        *p = (Progress){ .what = what, .done = done, .all = all };
        show(p);
}

void progress_step(Progress *p)
{
        progress_hide(p);
        p->done++;
        show(p);
}

void progress_hide(Progress *p)
{
        if (!p->shown)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        p->shown = false;
}
