/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* redis-tls.h in a build without GnuTLS. */

#include "redis-tls.h"

int redis_tls_check(Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS,
                "The Redis URL asks for TLS (rediss://), and this build has none; build with -Dtls=enabled, or "
                "use redis:// or unix://");
}

int redis_tls_new(const RedisTlsSettings *settings, int fd, const char *host, RedisTls **ret, Fault *fault)
{
        (void)settings;
        (void)fd;
        (void)host;
        (void)ret;

        return redis_tls_check(fault);
}

RedisTls *redis_tls_free(RedisTls *tls)
{
        (void)tls;

        return NULL;
}

int redis_tls_handshake(RedisTls *tls, Fault *fault)
{
        (void)tls;

        return redis_tls_check(fault);
}

ssize_t redis_tls_read(RedisTls *tls, void *buffer, size_t size)
{
        (void)tls;
        (void)buffer;
        (void)size;

        return -EPROTO;
}

ssize_t redis_tls_write(RedisTls *tls, const void *data, size_t size)
{
        (void)tls;
        (void)data;
        (void)size;

        return -EPROTO;
}

const char *redis_tls_error(const RedisTls *tls)
{
        (void)tls;

        return "there is no TLS";
}

bool redis_tls_wants_write(const RedisTls *tls)
{
        (void)tls;

        return false;
}
