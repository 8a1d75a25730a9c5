/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "parse.h"
#include "report.h"

/* The kernel's NGROUPS_MAX. */
#define GROUPS_MAX 65536

/* Neither -1, which means "leave it", nor what 16-bit interfaces use for it. */
static bool parse_id(const char *text, uint32_t *ret)
{
        unsigned id;

        if (parse_uint(text, 0, UINT32_MAX - 1, &id) < 0 || id == UINT16_MAX)
                return false;
        *ret = id;
        return true;
}

/* NSS may leave errno alone where there is no such name. */
static int lookup_error(void)
{
        return errno == 0 || errno == ENOENT ? -ESRCH : -errno;
}

static gid_t resolve_group(const char *group)
{
        const struct group *gr;
        uint32_t id;

        if (parse_id(group, &id))
                return id;

        errno = 0;
        gr = getgrnam(group);
        if (!gr)
                report_and_exit(EXECUTOR_STEP_GROUP, lookup_error(), group);
        return gr->gr_gid;
}

static void add_variable(Plan *plan, const char *name, const char *value)
{
        if (!value || !value[0] || plan_has_variable(plan, name))
                return;
        if (plan_add_variable(plan, name, value) < 0)
                report_and_exit(EXECUTOR_STEP_USER, -ENOMEM, name);
}

/* The groups that the user's name is in, with room for extra more. */
static void read_groups(Identity *identity, const char *name, size_t extra)
{
        int n = 32;

        for (;;) {
                identity->groups = reallocarray(identity->groups, (size_t) n + extra, sizeof(gid_t));
                if (!identity->groups)
                        report_and_exit(EXECUTOR_STEP_GROUP, -ENOMEM, name);
                if (!name) {
                        identity->groups[0] = identity->gid;
                        identity->n_groups = 1;
                        return;
                }
                if (getgrouplist(name, identity->gid, identity->groups, &n) >= 0) {
                        identity->n_groups = (size_t) n;
                        return;
                }
                if (n > GROUPS_MAX)
                        report_and_exit(EXECUTOR_STEP_GROUP, -E2BIG, name);
        }
}

Identity identity_resolve(Plan *plan)
{
        Identity identity = { .set = plan->user };
        const struct passwd *pw;
        const char *name = NULL;
        uint32_t id;
        size_t n = 0;

        if (!plan->user)
                return identity;

        errno = 0;
        pw = parse_id(plan->user, &id) ? getpwuid(id) : getpwnam(plan->user);
        if (pw) {
                identity.uid = pw->pw_uid;
                identity.gid = pw->pw_gid;
                add_variable(plan, "HOME", pw->pw_dir);
                add_variable(plan, "USER", pw->pw_name);
                add_variable(plan, "LOGNAME", pw->pw_name);
                add_variable(plan, "SHELL", pw->pw_shell);
                name = strdup(pw->pw_name);
                if (!name)
                        report_and_exit(EXECUTOR_STEP_USER, -ENOMEM, plan->user);
        } else if (parse_id(plan->user, &id) && plan->group)
                identity.uid = id;
        else
                report_and_exit(EXECUTOR_STEP_USER, lookup_error(), plan->user);

        if (plan->group)
                identity.gid = resolve_group(plan->group);

        while (plan->supplementary_groups[n])
                n++;
        read_groups(&identity, name, n);
        for (size_t i = 0; i < n; i++)
                identity.groups[identity.n_groups++] = resolve_group(plan->supplementary_groups[i]);
        return identity;
}

void identity_apply(const Identity *identity)
{
        if (!identity->set)
                return;

        if (setgroups(identity->n_groups, identity->groups) < 0)
                report_and_exit(EXECUTOR_STEP_SETGROUPS, -errno, NULL);
        if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
                report_and_exit(EXECUTOR_STEP_SETGID, -errno, NULL);
        if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
                report_and_exit(EXECUTOR_STEP_SETUID, -errno, NULL);
}
