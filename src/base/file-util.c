/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-util.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Linux 6.3, include/uapi/linux/memfd.h: not in the headers of Debian 12. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define READ_STEP 4096u

bool error_is_shortage(int error)
{
        return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

bool error_may_pass(int error)
{
        return error_is_shortage(error) || error == -EIO;
}

/* Where reading starts from: one byte more than the file says, so that the end is seen without growing. */
static size_t first_capacity(int fd, size_t max)
{
        struct stat st;
        size_t size = READ_STEP;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
                (uint64_t)st.st_size < SIZE_MAX - 1)
                size = (size_t)st.st_size + 1;

        return size > max ? max + 1 : size;
}

int read_fd(int fd, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *data = NULL;
        size_t capacity, size = 0;

        assert(max < SIZE_MAX / 4);

        capacity = first_capacity(fd, max);
        data = malloc(capacity + 1);
        if (!data)
                return -ENOMEM;

        for (;;) {
                ssize_t n = pread(fd, data + size, capacity - size, (off_t)size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;

                size += (size_t)n;
                if (size > max)
                        return -EFBIG;

                if (size == capacity) {
                        char *grown;

                        capacity = capacity * 2 > max ? max + 1 : capacity * 2;
                        grown = realloc(data, capacity + 1);
                        if (!grown)
                                return -ENOMEM;
                        data = grown;
                }
        }

        data[size] = '\0';
        *ret = steal_ptr(data);
        if (ret_size)
                *ret_size = size;
        return 0;
}

int read_file_at(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_size)
{
        /* O_NONBLOCK: a FIFO in place of the file must not hold us up. */
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

        if (fd < 0)
                return -errno;

        return read_fd(fd, max, ret, ret_size);
}

int write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;

                p += n;
                size -= (size_t)n;
        }

        return 0;
}

static int write_new_file_at(int dir_fd, const char *name, const void *data, size_t size)
{
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;

        return write_all(fd, data, size);
}

int write_file_atomic_at(int dir_fd, const char *name, const void *data, size_t size)
{
        _cleanup_free_ char *temporary = NULL;
        int r;

        assert(name[0] && !strchr(name, '/'));

        if (asprintf(&temporary, ".#%s", name) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }

        r = write_new_file_at(dir_fd, temporary, data, size);
        if (r == -EEXIST) {
                /* One that a crash has left. */
                if (unlinkat(dir_fd, temporary, 0) < 0)
                        return -errno;
                r = write_new_file_at(dir_fd, temporary, data, size);
        }
        if (r >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir_fd, temporary, 0);

        return r;
}

int memfd_sealed(const char *name, const void *data, size_t size)
{
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        int r;

        if (fd < 0 && errno == EINVAL)
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        r = write_all(fd, data, size);
        if (r < 0)
                return r;

        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;

        return steal_fd(&fd);
}

int memfd_check_sealed(int fd)
{
        int seals = fcntl(fd, F_GET_SEALS);

        if (seals < 0)
                return -errno;
        return (seals & SEALS) == SEALS ? 0 : -EPERM;
}

int mkdir_safe(const char *path, unsigned mode)
{
        struct stat st;

        if (mkdir(path, (mode_t)mode) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;

        if (lstat(path, &st) < 0)
                return -errno;

        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
