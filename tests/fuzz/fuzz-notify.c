/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an agent says by sd_notify(3): whatever it is, the status can be shown to anybody. */

#include <string.h>

#include "fuzz.h"
#include "notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = fuzz_text(data, size);
        NotifyMessage m;

        /* Those with a NUL in them are dropped before. */
        notify_parse(text, strlen(text), &m);
        if (!m.status)
                return 0;
        fuzz_expect(m.status > text && m.status <= text + size, "the status is of the message");
        fuzz_expect(strlen(m.status) <= NOTIFY_STATUS_MAX, "the status is cut");
        fuzz_expect(fuzz_is_printable(m.status), "the status can be printed");
        return 0;
}
