/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streams.h"

#include <assert.h>

#include "log.h"

bool streams_take(Streams *s)
{
        if (s->n < s->max) {
                s->n++;
                return true;
        }

        if (!s->exhausted)
                log_warning(
                        "%u agents write to the journal, which is as many as it can take safely: the output of "
                        "further ones is dropped (set StandardOutput=null in runtimes that need no journal)",
                        s->n);
        s->exhausted = true;
        return false;
}

void streams_give_back(Streams *s)
{
        assert(s->n > 0);

        /* Not at once: around the limit it would be said again and again. */
        if (--s->n < s->max - s->max / 10)
                s->exhausted = false;
}
