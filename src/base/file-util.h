/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole files: read within a bound, written atomically, sealed memory files. */

#include "macros.h"

/* Whether something has failed, with this negative errno, for want of memory or descriptors only. */
bool error_is_shortage(int error);

/* The same, or a medium has failed: it may work a moment later. What cannot be read now is not to be taken
 * for something that is not there. */
bool error_may_pass(int error);

/* Reads all of fd from its start with pread (so that a shared offset does not matter), adds a NUL behind it.
 * -EFBIG above max bytes. */
int read_fd(int fd, size_t max, char **ret, size_t *ret_size);

/* The same for a path below dir_fd (AT_FDCWD allowed); links are not followed. */
int read_file_at(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_size);

/* All of data, over short writes and EINTR. */
int write_all(int fd, const void *data, size_t size);

/* Writes dir_fd/name by way of a temporary file (".#" name) and a rename, mode 0600: a reader, or a crash,
 * sees the old content or the new. On failure the temporary file is removed. No fsync: the files live on a
 * tmpfs. */
int write_file_atomic_at(int dir_fd, const char *name, const void *data, size_t size);

/* A memory file with this content, sealed against any change, close-on-exec. Returns the fd. */
int memfd_sealed(const char *name, const void *data, size_t size);

/* Whether fd is a memory file that nobody can change any more: 0, or a negative errno, -EPERM where somebody
 * can. */
int memfd_check_sealed(int fd);

/* posix mkdir that accepts an existing directory. */
int mkdir_safe(const char *path, unsigned mode);
