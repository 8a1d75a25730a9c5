/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paths.h"

#include <string.h>

#include "launcher.h"
#include "names.h"
#include "strv.h"

#define RUNTIMES "/runtimes.d"

/* What goes with the next boot, or with the user's last session. */
typedef struct Bases {
        char *runtime; /* our directory */
        char *manager; /* the service manager's private socket */
} Bases;

static void bases_done(Bases *b)
{
        free(b->runtime);
        free(b->manager);
}

static char *join(const char *a, const char *b)
{
        char *joined;

        return asprintf(&joined, "%s%s", a, b) < 0 ? NULL : joined;
}

/* "unix:path=" and the path, in which an address keeps only some bytes as they are. */
static char *socket_address(const char *path)
{
        static const char prefix[] = "unix:path=", digits[] = "0123456789abcdef";
        static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.\\*";
        char *address = malloc(sizeof(prefix) + 3 * strlen(path)), *p;

        if (!address)
                return NULL;

        p = stpcpy(address, prefix);
        for (; *path; path++) {
                if (strchr(kept, *path)) {
                        *p++ = *path;
                        continue;
                }
                *p++ = '%';
                *p++ = digits[(unsigned char)*path >> 4];
                *p++ = digits[(unsigned char)*path & 15];
        }
        *p = '\0';
        return address;
}

static int add_directory(Paths *p, const char *base, const char *name)
{
        char *dir = join(base, name);
        int r;

        if (!dir)
                return -ENOMEM;
        r = strv_consume(&p->runtimes_dirs, join(dir, RUNTIMES));
        if (r < 0) {
                free(dir);
                return r;
        }
        return strv_consume(&p->config_dirs, dir);
}

/* The path in an environment variable, or NULL: a relative one does not count. */
static const char *path_from(const char *variable)
{
        const char *path = getenv(variable);

        return path && path[0] == '/' ? path : NULL;
}

/* $VARIABLE/agenthost, or $HOME/DEFAULT/agenthost. */
static int add_home(Paths *p, const char *variable, const char *in_home)
{
        const char *base = path_from(variable), *home = path_from("HOME");
        _cleanup_free_ char *joined = NULL;

        if (base)
                return add_directory(p, base, "/agenthost");
        if (!home)
                return 0;

        joined = join(home, in_home);
        return joined ? add_directory(p, joined, "/agenthost") : -ENOMEM;
}

/* The order is systemd's for user units. What is meant for the host's own agents says which user they run
 * as, and is of no use to a user: /etc and /usr have another place for what is meant for all users. */
static int set_user_dirs(Paths *p, const char *runtime_dir)
{
        int r;

        r = add_home(p, "XDG_CONFIG_HOME", "/.config");
        if (r >= 0)
                r = add_directory(p, SYSCONFDIR "/agenthost", "/user");
        if (r >= 0)
                r = add_directory(p, runtime_dir, "");
        if (r >= 0)
                r = add_home(p, "XDG_DATA_HOME", "/.local/share");
        if (r >= 0)
                r = add_directory(p, VENDOR_DIR, "/user");
        return r;
}

static int set_system_dirs(Paths *p, const char *runtime_dir)
{
        int r;

        r = add_directory(p, SYSCONFDIR, "/agenthost");
        if (r >= 0)
                r = add_directory(p, runtime_dir, "");
        if (r >= 0)
                r = add_directory(p, VENDOR_DIR, "");
        return r;
}

static int set_bases(Bases *b, bool user_mode)
{
        const char *base = user_mode ? path_from("XDG_RUNTIME_DIR") : "/run";

        if (!base)
                return -ENXIO;
        b->runtime = join(base, "/agenthost");
        b->manager = join(base, "/systemd/private");
        return b->runtime && b->manager ? 0 : -ENOMEM;
}

static int set_all(Paths *p)
{
        _cleanup_(bases_done) Bases bases = { 0 };
        _cleanup_free_ char *launcher = NULL;
        int r;

        r = set_bases(&bases, p->user_mode);
        if (r < 0)
                return r;

        p->state_dir = join(bases.runtime, "/agents");
        p->credentials_dir = join(bases.runtime, "/credentials");
        p->notify_socket = join(bases.runtime, "/notify");
        launcher = join(bases.runtime, "/launcher.sock");
        if (!p->state_dir || !p->credentials_dir || !p->notify_socket || !launcher)
                return -ENOMEM;

        p->launcher_address = socket_address(launcher);
        p->manager_address = socket_address(bases.manager);
        if (!p->launcher_address || !p->manager_address)
                return -ENOMEM;

        return p->user_mode ? set_user_dirs(p, bases.runtime) : set_system_dirs(p, bases.runtime);
}

int paths_new(bool user_mode, Paths **ret)
{
        _cleanup_(paths_freep) Paths *p = malloc(sizeof(Paths));
        int r;

        if (!p)
                return -ENOMEM;

        *p = (Paths){
                .user_mode = user_mode,
                .systemctl = user_mode ? "systemctl --user" : "systemctl",
                .journalctl = user_mode ? "journalctl --user-unit" : "journalctl -u",
        };
        r = set_all(p);
        if (r < 0)
                return r;

        *ret = steal_ptr(p);
        return 0;
}

Paths *paths_free(Paths *p)
{
        if (!p)
                return NULL;

        free(p->state_dir);
        free(p->credentials_dir);
        free(p->notify_socket);
        free(p->launcher_address);
        free(p->manager_address);
        strv_free(p->config_dirs);
        strv_free(p->runtimes_dirs);
        free(p);
        return NULL;
}

void paths_freep(Paths **p)
{
        *p = paths_free(*p);
}
