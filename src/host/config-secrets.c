/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-secrets.h"

#include <string.h>
#include <sys/stat.h>

#include "log.h"

/* A directory around it that is closed is as good; further up nobody looks. */
static bool is_open_to_all(const char *path)
{
        g_autofree char *dir = g_path_get_dirname(path);
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IROTH))
                return false;
        return stat(dir, &st) >= 0 && (st.st_mode & S_IXOTH);
}

void config_warn_of_files(const Config *c)
{
        const struct {
                const char *setting, *path;
        } secrets[] = {
                { "[Registry] RedisPasswordFile", c->registry.password_file },
                { "[Registry] RedisKeyFile", c->registry.key_file },
                { "[Peers] KeyFile", c->peers.key_file },
                { "[Discovery] KubeConfig", c->discovery.kube_config },
        };

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++)
                if (secrets[i].path && is_open_to_all(secrets[i].path))
                        log_warning("%s=%s can be read by everybody on this machine: 'chmod o= %s'",
                                secrets[i].setting, secrets[i].path, secrets[i].path);
}

/* "redis://:secret@host", "redis://user:secret@host" */
static bool has_password(const char *url)
{
        const char *begin = strstr(url, "://"), *at = strrchr(url, '@');
        const char *colon =
                begin && at > begin + 3 ? memchr(begin + 3, ':', (size_t)(at - begin) - 3) : NULL;

        return colon && colon + 1 < at;
}

void config_warn_of_url(const char *path, unsigned line, const char *url)
{
        if (has_password(url) && is_open_to_all(path))
                log_warning(
                        "%s:%u: [Registry] RedisUrl= has a password, which everybody on this machine can "
                        "read here: put it into a file of its own, for RedisPasswordFile=",
                        path, line);
}
