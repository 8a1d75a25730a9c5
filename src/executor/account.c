/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "account.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "parse.h"
#include "report.h"
#include "time-util.h"

#define CACHE_ENTRIES 16u

static Account *cache[CACHE_ENTRIES];
static size_t cache_next;

static size_t account_size(const Account *a)
{
        return offsetof(Account, groups) + a->n_groups * sizeof(gid_t);
}

static Account **cache_find(const char *key)
{
        for (size_t i = 0; i < CACHE_ENTRIES; i++)
                if (cache[i] && strcmp(cache[i]->key, key) == 0)
                        return &cache[i];
        return NULL;
}

/* Without memory it is looked up again the next time. */
static void cache_put(const Account *a)
{
        Account **entry = cache_find(a->key), *copy;

        if (!entry)
                entry = &cache[cache_next++ % CACHE_ENTRIES];
        copy = realloc(*entry, account_size(a));
        if (!copy)
                return;
        memcpy(copy, a, account_size(a));
        *entry = copy;
}

/* Whether there is a key that is short enough for the cache. */
static bool make_key(const Plan *plan, char *key, size_t size)
{
        size_t n = (size_t)snprintf(key, size, "%s\n%s", plan->user, plan->group ? plan->group : "");

        for (const char **g = plan->supplementary_groups; *g && n < size; g++)
                n += (size_t)snprintf(key + n, size - n, "\n%s", *g);
        return n < size;
}

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

static int find_group(const char *group, gid_t *ret, ExecutorReport *report)
{
        const struct group *gr;
        uint32_t id;

        if (parse_id(group, &id)) {
                *ret = id;
                return 0;
        }

        errno = 0;
        gr = getgrnam(group);
        if (!gr)
                return report_fill(report, EXECUTOR_STEP_GROUP, lookup_error(), group);
        *ret = gr->gr_gid;
        return 0;
}

static int set_variable(char *variable, size_t size, const char *name, const char *value)
{
        variable[0] = '\0';
        if (!value || !value[0])
                return 0;
        return (size_t)snprintf(variable, size, "%s=%s", name, value) < size ? 0 : -ENAMETOOLONG;
}

static int set_variables(Account *a, const struct passwd *pw)
{
        const struct {
                const char *name, *value;
        } variables[ACCOUNT_VARIABLES] = {
                { "HOME", pw ? pw->pw_dir : NULL },
                { "USER", pw ? pw->pw_name : NULL },
                { "LOGNAME", pw ? pw->pw_name : NULL },
                { "SHELL", pw ? pw->pw_shell : NULL },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ACCOUNT_VARIABLES; i++)
                r = set_variable(
                        a->variables[i], sizeof(a->variables[i]), variables[i].name, variables[i].value);
        return r;
}

/* The groups that the user database gives the user; one without a name has only his own. */
static int find_own_groups(Account *a, const struct passwd *pw)
{
        int n = ACCOUNT_GROUPS_MAX;

        a->groups[0] = a->gid;
        if (!pw)
                n = 1;
        else if (getgrouplist(pw->pw_name, a->gid, a->groups, &n) < 0)
                return -E2BIG;
        a->n_groups = (uint32_t)n;
        return 0;
}

static int find_user(Account *a, const Plan *plan, ExecutorReport *report)
{
        const struct passwd *pw;
        uint32_t id;
        bool number = parse_id(plan->user, &id);
        int r;

        errno = 0;
        pw = number ? getpwuid(id) : getpwnam(plan->user);
        if (!pw && !(number && plan->group))
                return report_fill(report, EXECUTOR_STEP_USER, lookup_error(), plan->user);

        a->uid = pw ? pw->pw_uid : id;
        a->gid = pw ? pw->pw_gid : 0;
        if (set_variables(a, pw) < 0)
                return report_fill(report, EXECUTOR_STEP_USER, -ENAMETOOLONG, plan->user);
        if (plan->group) {
                r = find_group(plan->group, &a->gid, report);
                if (r < 0)
                        return r;
        }
        if (find_own_groups(a, pw) < 0)
                return report_fill(report, EXECUTOR_STEP_GROUP, -E2BIG, plan->user);
        return 0;
}

static int find_supplementary_groups(Account *a, const Plan *plan, ExecutorReport *report)
{
        int r = 0;

        for (const char **g = plan->supplementary_groups; r >= 0 && *g; g++) {
                if (a->n_groups == ACCOUNT_GROUPS_MAX)
                        return report_fill(report, EXECUTOR_STEP_GROUP, -E2BIG, *g);
                r = find_group(*g, &a->groups[a->n_groups++], report);
        }
        return r;
}

int account_get(const Plan *plan, const Account **ret, ExecutorReport *ret_report)
{
        static Account account;
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        bool has_key = make_key(plan, account.key, sizeof(account.key));
        Account **cached = has_key ? cache_find(account.key) : NULL;
        int r;

        if (cached && now - (*cached)->looked_up_usec < ACCOUNT_FRESH_USEC) {
                *ret = *cached;
                return 0;
        }

        account.looked_up_usec = now;
        r = find_user(&account, plan, ret_report);
        if (r >= 0)
                r = find_supplementary_groups(&account, plan, ret_report);
        if (r < 0)
                return r;
        if (has_key)
                cache_put(&account);
        *ret = &account;
        return 0;
}
