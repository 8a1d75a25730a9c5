/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "credentials.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "escape.h"
#include "log.h"
#include "plan.h"
#include "proto/launcher.h"

static const char *const names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

/* By paths, which takes no descriptor: also when there is none left, they go. Only root makes anything in
 * the directory that they are in; in user mode all of it is the user's. */
static int remove_directory(const char *path)
{
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++) {
                _cleanup_free_ char *file = NULL;

                if (asprintf(&file, "%s/%s", path, names[i]) < 0) {
                        file = NULL;
                        return -ENOMEM;
                }
                if (unlinkat(AT_FDCWD, file, 0) < 0 && errno != ENOENT)
                        return -errno;
        }
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

static int sweep(const Paths *paths, CredentialsKeep keep, void *userdata)
{
        _cleanup_closedir_ DIR *directory = opendir(paths->credentials_dir);
        const struct dirent *entry;

        if (!directory)
                return errno == ENOENT ? 0 : -errno;

        while ((errno = 0, entry = readdir(directory)))
                if (agent_unit_is_valid(entry->d_name) && !keep(entry->d_name, userdata))
                        (void)credentials_remove(paths, entry->d_name);
        return -errno;
}

int credentials_sweep(const Paths *paths, CredentialsKeep keep, void *userdata)
{
        int r = sweep(paths, keep, userdata);

        if (r < 0)
                log_warning("Cannot look for credentials of former agents: %s", strerror(-r));
        return r;
}
