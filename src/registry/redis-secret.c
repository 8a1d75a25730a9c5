/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-secret.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "file-util.h"

#define CREDENTIAL "redis-password"
#define SECRET_BYTES_MAX 1024u

/* Links are followed: secrets are often mounted as such. */
static int read_file(const char *path, char **ret)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (fd < 0)
                return -errno;
        r = read_fd(fd, SECRET_BYTES_MAX, &text, &size);
        if (r < 0)
                return r;
        if (size > 0 && text[size - 1] == '\n')
                text[--size] = '\0';
        r = strlen(text) == size && size > 0 ? 0 : -EBADMSG;
        if (r >= 0)
                *ret = g_strdup(text);
        explicit_bzero(text, size);
        return r;
}

static const char *reason(int error)
{
        switch (error) {
        case -EBADMSG:
                return "it is empty, or has a NUL byte in it";
        case -EFBIG:
                return "it is too large for a password";
        default:
                return strerror(-error);
        }
}

static int read_or_fault(const char *path, const char *what, char **ret, Fault *fault)
{
        int r;

        r = read_file(path, ret);
        return r < 0 ? fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                               "the password cannot be read from %s %s: %s", what, path, reason(r))
                     : 0;
}

int redis_secret_read(const char *given, const char *file, const RedisUrl *url, char **ret, Fault *fault)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        g_autofree char *credential = directory ? g_build_filename(directory, CREDENTIAL, NULL) : NULL;

        if (given) {
                *ret = g_strdup(given);
                return 0;
        }
        if (file)
                return read_or_fault(file, "RedisPasswordFile=", ret, fault);
        if (credential && access(credential, F_OK) == 0)
                return read_or_fault(credential, "the credential", ret, fault);
        *ret = g_strdup(url->password);
        return 0;
}
