/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small things that every file wants: automatic release of locals, ownership hand-over, units of time. */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)
#define USEC_INFINITY UINT64_MAX

/* Hands a pointer over: the variable is NULL afterwards, so its cleanup finds nothing to do. */
#define steal_ptr(p)                     \
        ({                               \
                typeof(p) _stolen = (p); \
                (p) = NULL;              \
                _stolen;                 \
        })

static inline int steal_fd(int *fd)
{
        int stolen = *fd;

        *fd = -EBADF;
        return stolen;
}

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline int close_fd(int fd)
{
        if (fd >= 0)
                close(fd);
        return -EBADF;
}

static inline void close_fdp(int *fd)
{
        *fd = close_fd(*fd);
}

static inline void fclosep(FILE **f)
{
        if (*f)
                fclose(*f);
}

static inline void closedirp(DIR **d)
{
        if (*d)
                closedir(*d);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(close_fdp)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

/* Keeps errno over a cleanup that may change it. */
static inline void errno_restore(const int *saved)
{
        errno = *saved;
}
#define PROTECT_ERRNO _cleanup_(errno_restore) _unused_ const int _saved_errno = errno
