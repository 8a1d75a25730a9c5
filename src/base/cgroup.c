/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "file-util.h"
#include "parse.h"
#include "pidfd.h"

#define UNIFIED "/sys/fs/cgroup"
#define HYBRID "/sys/fs/cgroup/unified" /* beside the controllers of version 1 */

/* Far more than any of these files has. */
#define FILE_MAX 4096u

int cgroup_find_root(pid_t manager, char **ret)
{
        static const char below[] = "/init.scope";
        _cleanup_free_ char *path = NULL;
        size_t length, tail = sizeof(below) - 1;
        char *root;
        int r;

        r = pid_get_cgroup(manager, &path);
        if (r < 0 && error_may_pass(r))
                return r;
        length = r < 0 ? 0 : strlen(path);
        length = length >= tail && strcmp(path + length - tail, below) == 0 ? length - tail : 0;

        root = strndup(path ? path : "", length);
        if (!root)
                return -ENOMEM;

        *ret = root;
        return 0;
}

static bool is_version_2(const char *path)
{
        struct statfs fs;

        return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_find_dir(const char *root, char **ret, bool *ret_only)
{
        bool only = is_version_2(UNIFIED);
        char *dir;

        if (!only && !is_version_2(HYBRID))
                return -ENOENT;
        if (asprintf(&dir, "%s%s", only ? UNIFIED : HYBRID, root) < 0)
                return -ENOMEM;

        if (ret_only)
                *ret_only = only;
        *ret = dir;
        return 0;
}

int cgroup_open(const char *dir, const char *slice, const char *unit)
{
        char path[PATH_MAX];
        int n, fd;

        if (!dir)
                return -ENOENT;
        n = snprintf(path, sizeof(path), "%s/agents.slice%s%s%s%s", dir, slice ? "/" : "",
                slice ? slice : "", unit ? "/" : "", unit ? unit : "");
        if (n < 0 || (size_t)n >= sizeof(path))
                return -ENAMETOOLONG;

        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int read_text(int dir_fd, const char *file, char buffer[static FILE_MAX])
{
        _cleanup_close_ int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, buffer, FILE_MAX - 1);
        if (n < 0)
                return -errno;

        buffer[n] = '\0';
        return 0;
}

int cgroup_read_number(int dir_fd, const char *file, uint64_t *ret)
{
        char text[FILE_MAX];
        int r;

        r = read_text(dir_fd, file, text);
        if (r < 0)
                return r;

        text[strcspn(text, "\n")] = '\0';
        if (strcmp(text, "max") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_uint64(text, 0, UINT64_MAX, ret);
}

int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret)
{
        size_t length = strlen(key);
        char text[FILE_MAX], *end;
        int r;

        r = read_text(dir_fd, file, text);
        if (r < 0)
                return r;

        for (char *line = text; line; line = end ? end + 1 : NULL) {
                end = strchr(line, '\n');
                if (strncmp(line, key, length) != 0 || line[length] != ' ')
                        continue;
                if (end)
                        *end = '\0';
                return parse_uint64(line + length + 1, 0, UINT64_MAX, ret);
        }
        return -ENODATA;
}

int cgroup_read_word(int dir_fd, const char *file, const char *word)
{
        char text[FILE_MAX], *state;
        int r;

        r = read_text(dir_fd, file, text);
        if (r < 0)
                return r;

        for (char *w = strtok_r(text, " \n", &state); w; w = strtok_r(NULL, " \n", &state))
                if (strcmp(w, word) == 0)
                        return 1;
        return 0;
}

bool cgroup_is_empty(int dir_fd)
{
        uint64_t populated;

        return cgroup_read_key(dir_fd, "cgroup.events", "populated", &populated) >= 0 && populated == 0;
}

static bool has_one_process(int dir_fd, pid_t pid)
{
        char text[FILE_MAX], expected[16];

        (void)snprintf(expected, sizeof(expected), "%d\n", (int)pid);
        return read_text(dir_fd, "cgroup.procs", text) >= 0 && strcmp(text, expected) == 0;
}

bool cgroup_holds_only(int dir_fd, pid_t pid)
{
        uint64_t freeze, groups;

        return has_one_process(dir_fd, pid) && cgroup_read_number(dir_fd, "cgroup.freeze", &freeze) >= 0 &&
                freeze == 0 && cgroup_read_key(dir_fd, "cgroup.stat", "nr_descendants", &groups) >= 0 &&
                groups == 0;
}

uint64_t cgroup_read_cpu_nsec(int dir_fd)
{
        uint64_t usec;

        return cgroup_read_key(dir_fd, "cpu.stat", "usage_usec", &usec) < 0 ? UINT64_MAX
                                                                            : usec * NSEC_PER_USEC;
}

static uint64_t read_bytes(int dir_fd, const char *file)
{
        uint64_t bytes;

        return cgroup_read_number(dir_fd, file, &bytes) < 0 ? UINT64_MAX : bytes;
}

uint64_t cgroup_read_memory(int dir_fd)
{
        return read_bytes(dir_fd, "memory.current");
}

uint64_t cgroup_read_memory_peak(int dir_fd)
{
        return read_bytes(dir_fd, "memory.peak");
}
