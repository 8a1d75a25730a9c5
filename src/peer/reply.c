/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply.h"

#include <stdarg.h>

#include "wire.h"

#define RETRY_AFTER_SEC 1

Reply *reply_new(unsigned status, GBytes *body)
{
        Reply *r = g_new0(Reply, 1);

        *r = (Reply){ .n_refs = 1, .status = status, .body = body };
        return r;
}

/* Whoever asks again, here or elsewhere, may have more luck. */
static bool is_refusal(unsigned status)
{
        return status == 403 || status == 429 || status == 503;
}

Reply *reply_new_fault(const Fault *fault)
{
        unsigned status = wire_status(fault->kind);
        Reply *r = reply_new(status, wire_write_problem(status, fault->kind, fault_text(fault)));

        r->refused = is_refusal(status);
        if (status == 503)
                r->retry_after_sec = RETRY_AFTER_SEC;
        return r;
}

Reply *reply_new_problem(unsigned status, FaultKind kind, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;
        Reply *r;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);

        r = reply_new(status, wire_write_problem(status, kind, text));
        r->refused = true;
        if (status == 503 || status == 429)
                r->retry_after_sec = RETRY_AFTER_SEC;
        return r;
}

Reply *reply_ref(Reply *r)
{
        r->n_refs++;
        return r;
}

Reply *reply_unref(Reply *r)
{
        if (!r || --r->n_refs > 0)
                return NULL;

        g_bytes_unref(r->body);
        g_free(r->location);
        g_free(r);
        return NULL;
}
