/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An answer as it goes out over HTTP. Counted, because one may be given to a request, to its repeats, and
 * kept for repeats to come (idempotency.h). Used by the server. */

#include <glib.h>

#include "fault.h"

typedef struct Reply {
        unsigned n_refs;
        unsigned status;
        GBytes *body;
        const char *content_type; /* static; NULL: JSON, or a problem */
        char *location; /* NULL: none; so for both */
        const char *allow; /* of 405; static */
        unsigned retry_after_sec; /* 0: not told */

        /* Nothing has been done for this answer: a repeat is not answered with it but tried. */
        bool refused;
} Reply;

/* body is taken over. */
Reply *reply_new(unsigned status, GBytes *body);

/* A problem with the status of its kind. */
Reply *reply_new_fault(const Fault *fault);

/* A problem with a status of its own; it counts as refused. */
Reply *reply_new_problem(unsigned status, FaultKind kind, const char *format, ...) _printf_(3, 4);

Reply *reply_ref(Reply *reply);
Reply *reply_unref(Reply *reply);
static inline void reply_unrefp(Reply **reply)
{
        reply_unref(*reply);
}
