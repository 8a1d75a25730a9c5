/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "account.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

#include "parse.h"
#include "report.h"
#include "time-util.h"

#define CACHE_ENTRIES 16u

static Account *cache[CACHE_ENTRIES];
static size_t cache_next;
static int cache_read_fd = -EBADF, cache_write_fd = -EBADF;

static size_t account_size(const Account *a)
{
        return offsetof(Account, groups) + a->n_groups * sizeof(gid_t);
}

int account_cache_open(void)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        cache_read_fd = pair[0];
        cache_write_fd = pair[1];
        return 0;
}

static Account **cache_find(const char *key)
{
        for (size_t i = 0; i < CACHE_ENTRIES; i++)
                if (cache[i] && strcmp(cache[i]->key, key) == 0)
                        return &cache[i];
        return NULL;
}

void account_cache_update(void)
{
        static Account received;
        ssize_t n;

        while ((n = recv(cache_read_fd, &received, sizeof(received), 0)) > 0) {
                Account **entry = cache_find(received.key), *copy;

                if (!entry)
                        entry = &cache[cache_next++ % CACHE_ENTRIES];
                copy = realloc(*entry, (size_t)n);
                if (!copy)
                        return;
                memcpy(copy, &received, (size_t)n);
                *entry = copy;
        }
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

static gid_t find_group(const char *group)
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

static void copy_text(const char *user, const char *from, char *to, size_t size)
{
        if ((size_t)snprintf(to, size, "%s", from ? from : "") >= size)
                report_and_exit(EXECUTOR_STEP_USER, -ENAMETOOLONG, user);
}

static void find_user(Account *a, const Plan *plan)
{
        const struct passwd *pw;
        uint32_t id;
        bool number = parse_id(plan->user, &id);

        errno = 0;
        pw = number ? getpwuid(id) : getpwnam(plan->user);
        if (pw) {
                a->uid = pw->pw_uid;
                a->gid = pw->pw_gid;
                copy_text(plan->user, pw->pw_name, a->name, sizeof(a->name));
                copy_text(plan->user, pw->pw_dir, a->home, sizeof(a->home));
                copy_text(plan->user, pw->pw_shell, a->shell, sizeof(a->shell));
        } else if (number && plan->group)
                a->uid = id;
        else
                report_and_exit(EXECUTOR_STEP_USER, lookup_error(), plan->user);

        if (plan->group)
                a->gid = find_group(plan->group);
}

static void find_groups(Account *a, const Plan *plan)
{
        int n = ACCOUNT_GROUPS_MAX;

        a->groups[0] = a->gid;
        if (!a->name[0])
                n = 1;
        else if (getgrouplist(a->name, a->gid, a->groups, &n) < 0)
                report_and_exit(EXECUTOR_STEP_GROUP, -E2BIG, plan->user);

        a->n_groups = (uint32_t)n;
        for (const char **g = plan->supplementary_groups; *g; g++) {
                if (a->n_groups == ACCOUNT_GROUPS_MAX)
                        report_and_exit(EXECUTOR_STEP_GROUP, -E2BIG, *g);
                a->groups[a->n_groups++] = find_group(*g);
        }
}

const Account *account_get(const Plan *plan)
{
        static Account account;
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        bool has_key = make_key(plan, account.key, sizeof(account.key));
        Account **cached = has_key ? cache_find(account.key) : NULL;

        if (cached && now - (*cached)->looked_up_usec < ACCOUNT_FRESH_USEC)
                return *cached;

        account.looked_up_usec = now;
        find_user(&account, plan);
        find_groups(&account, plan);
        /* A full socket means that enough others have told it. */
        if (has_key)
                (void)send(cache_write_fd, &account, account_size(&account), MSG_NOSIGNAL);
        return &account;
}
