/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pass-over.h"

#include <string.h>

static void remove_at(PassOver *p, size_t i)
{
        free(p->hosts[i].hostname);
        p->n--;
        memmove(&p->hosts[i], &p->hosts[i + 1], (p->n - i) * sizeof(p->hosts[0]));
}

void pass_over_done(PassOver *p)
{
        while (p->n > 0)
                remove_at(p, p->n - 1);
}

/* The oldest come first. */
static void forget(PassOver *p, const char *hostname, uint64_t now_usec)
{
        for (size_t i = p->n; i > 0; i--)
                if (p->hosts[i - 1].until_usec <= now_usec ||
                        strcmp(p->hosts[i - 1].hostname, hostname) == 0)
                        remove_at(p, i - 1);
        if (p->n == PASS_OVER_MAX)
                remove_at(p, 0);
}

void pass_over_add(PassOver *p, const char *hostname, uint64_t now_usec)
{
        char *copy = strdup(hostname);

        if (!copy)
                return;
        forget(p, hostname, now_usec);
        p->hosts[p->n].hostname = copy;
        p->hosts[p->n].until_usec = now_usec + PASS_OVER_USEC;
        p->n++;
}

const char *pass_over_next(const PassOver *p, uint64_t now_usec, size_t *i)
{
        for (; *i < p->n; (*i)++)
                if (p->hosts[*i].until_usec > now_usec)
                        return p->hosts[(*i)++].hostname;
        return NULL;
}
