/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault.h"

#include <stdarg.h>

#include "escape.h"

int fault_errno(FaultKind kind)
{
        static const int numbers[_FAULT_KIND_MAX] = {
                [FAULT_INVALID_ARGS] = -EINVAL,
                [FAULT_ACCESS_DENIED] = -EACCES,
                [FAULT_NO_SUCH_AGENT] = -ENOENT,
                [FAULT_AGENT_EXISTS] = -EEXIST,
                [FAULT_LIMIT_REACHED] = -EDQUOT,
                [FAULT_DRAINING] = -EDQUOT,
                [FAULT_INVALID_SPEC] = -EINVAL,
                [FAULT_NO_SUCH_RUNTIME] = -ENOENT,
                [FAULT_START_FAILED] = -ENOEXEC,
                [FAULT_START_TIMEOUT] = -ETIMEDOUT,
                [FAULT_STOP_TIMEOUT] = -ETIMEDOUT,
                [FAULT_LAUNCHER_UNAVAILABLE] = -ENOTCONN,
                [FAULT_REGISTRY_UNAVAILABLE] = -ENOTCONN,
                [FAULT_DISCOVERY_UNAVAILABLE] = -ENOTCONN,
                [FAULT_NO_HOSTS] = -EHOSTUNREACH,
                [FAULT_PEER_UNREACHABLE] = -EHOSTUNREACH,
                [FAULT_FAILED] = -EIO,
        };

        return numbers[kind];
}

int fault_set(Fault *f, FaultKind kind, const char *format, ...)
{
        va_list ap;

        if (!f || f->kind != FAULT_NONE)
                return fault_errno(kind);

        f->kind = kind;
        va_start(ap, format);
        if (vasprintf(&f->text, format, ap) < 0)
                f->text = NULL;
        va_end(ap);
        if (f->text)
                utf8_make_sendable(f->text);

        return fault_errno(kind);
}

const char *fault_text(const Fault *f)
{
        return f->text ? f->text : "Out of memory";
}

void fault_done(Fault *f)
{
        free(f->text);
        *f = FAULT_INIT;
}

Fault fault_steal(Fault *f)
{
        Fault moved = *f;

        *f = FAULT_INIT;
        return moved;
}
