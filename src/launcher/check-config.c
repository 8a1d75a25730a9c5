/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

#include "runtime.h"

/* A name, or a number that needs none. */
static bool is_number(const char *text)
{
        for (const char *p = text; *p; p++)
                if (*p < '0' || *p > '9')
                        return false;
        return *text;
}

/* Whom it runs as is looked up when an agent is started; here, what would come of that. Returns how much is
 * wrong. */
static unsigned check_runtime(const Runtime *runtime)
{
        unsigned n = 0;

        if (runtime->user && !is_number(runtime->user) && !getpwnam(runtime->user)) {
                fprintf(stderr, "%s: there is no user %s, as whom agents are to run\n", runtime->path,
                        runtime->user);
                n++;
        }
        if (runtime->group && !is_number(runtime->group) && !getgrnam(runtime->group)) {
                fprintf(stderr, "%s: there is no group %s\n", runtime->path, runtime->group);
                n++;
        }
        if (access(runtime->exec[0], X_OK) < 0) {
                fprintf(stderr, "%s: %s cannot be executed\n", runtime->path, runtime->exec[0]);
                n++;
        }
        return n;
}

int check_config(const Paths *paths)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;
        unsigned n_wrong = 0;
        int r;

        r = runtime_set_load((const char *const *)paths->runtimes_dirs, paths->user_mode, &set);
        if (r < 0)
                return r;

        for (char **text = set->refused; *text; text++, n_wrong++)
                fprintf(stderr, "%s\n", *text);
        for (size_t i = 0; i < set->n_runtimes; i++) {
                printf("Runtime %s: %s\n", set->runtimes[i]->name, set->runtimes[i]->path);
                n_wrong += check_runtime(set->runtimes[i]);
        }
        if (set->n_runtimes == 0)
                printf("Runtimes: none, so no agent can be started; they are files NAME.runtime in %s\n",
                        paths->runtimes_dirs[0]);
        return n_wrong > 0 ? -EINVAL : 0;
}
