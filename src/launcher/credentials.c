/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "credentials.h"

#include <fcntl.h>
#include <string.h>

#include "escape.h"
#include "log.h"
#include "plan.h"
#include "proto/launcher.h"

static const char *const names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

static int remove_directory(const char *path)
{
        _cleanup_close_ int fd = -EBADF;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;

        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                if (unlinkat(fd, names[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

int credentials_remove(const Paths *paths, const char *unit)
{
        _cleanup_free_ char *path = NULL;
        int r;

        r = plan_credentials_path(paths, unit, &path);
        if (r >= 0)
                r = remove_directory(path);
        if (r < 0)
                log_warning("Cannot remove the credentials of %s: %s", unit, strerror(-r));
        return r;
}

void credentials_sweep(const Paths *paths, CredentialsKeep keep, void *userdata)
{
        _cleanup_closedir_ DIR *directory = opendir(paths->credentials_dir);
        const struct dirent *entry;

        if (!directory)
                return;

        while ((entry = readdir(directory)))
                if (agent_unit_is_valid(entry->d_name) && !keep(entry->d_name, userdata))
                        (void)credentials_remove(paths, entry->d_name);
}
