/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup.h"

#include <fcntl.h>

#include "test-dir.h"

static int open_dir(const TestDir *dir)
{
        int fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

static void test_numbers_are_read(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);
        uint64_t n = 7;

        test_dir_put(&dir, "memory.peak", "12288\n");
        test_dir_put(&dir, "memory.max", "max\n");
        test_dir_put(&dir, "odd", "12k\n");
        g_assert_cmpint(cgroup_read_number(fd, "none", &n), ==, -ENOENT);
        g_assert_cmpint(cgroup_read_number(fd, "odd", &n), ==, -EINVAL);
        g_assert_cmpuint(n, ==, 7);
        g_assert_cmpint(cgroup_read_number(fd, "memory.peak", &n), ==, 0);
        g_assert_cmpuint(n, ==, 12288);
        g_assert_cmpint(cgroup_read_number(fd, "memory.max", &n), ==, 0);
        g_assert_cmpuint(n, ==, UINT64_MAX);
}

static void test_numbers_are_found_by_their_whole_key(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);
        uint64_t n = 7;

        test_dir_put(&dir, "memory.events", "low 0\nhigh 1\nmax 22\noom_kill 4\noom 3\noom_group_kill 5");
        g_assert_cmpint(cgroup_read_key(fd, "memory.events", "oo", &n), ==, -ENODATA);
        g_assert_cmpint(cgroup_read_key(fd, "memory.events", "", &n), ==, -ENODATA);
        g_assert_cmpint(cgroup_read_key(fd, "none", "oom", &n), ==, -ENOENT);
        g_assert_cmpuint(n, ==, 7);
        g_assert_cmpint(cgroup_read_key(fd, "memory.events", "oom", &n), ==, 0);
        g_assert_cmpuint(n, ==, 3);
        g_assert_cmpint(cgroup_read_key(fd, "memory.events", "oom_group_kill", &n), ==, 0);
        g_assert_cmpuint(n, ==, 5);
}

static void test_words_are_found_whole(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);

        test_dir_put(&dir, "cgroup.controllers", "cpuset cpu io pids\n");
        g_assert_cmpint(cgroup_read_word(fd, "cgroup.controllers", "cpu"), ==, 1);
        g_assert_cmpint(cgroup_read_word(fd, "cgroup.controllers", "pids"), ==, 1);
        g_assert_cmpint(cgroup_read_word(fd, "cgroup.controllers", "memory"), ==, 0);
        g_assert_cmpint(cgroup_read_word(fd, "cgroup.controllers", "cpus"), ==, 0);
        g_assert_cmpint(cgroup_read_word(fd, "none", "cpu"), ==, -ENOENT);
}

static void test_group_is_empty_only_if_it_says_so(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);

        g_assert_false(cgroup_is_empty(fd));
        test_dir_put(&dir, "cgroup.events", "populated 1\nfrozen 0\n");
        g_assert_false(cgroup_is_empty(fd));
        test_dir_put(&dir, "cgroup.events", "populated 0\nfrozen 0\n");
        g_assert_true(cgroup_is_empty(fd));
}

static void put_group(const TestDir *dir, const char *processes, const char *freeze, const char *groups)
{
        test_dir_put(dir, "cgroup.procs", processes);
        test_dir_put(dir, "cgroup.freeze", freeze);
        test_dir_put(dir, "cgroup.stat", groups);
}

static void test_group_holds_only_a_process_that_runs_alone(void)
{
        static const char *const none = "nr_descendants 0\nnr_dying_descendants 7\n";
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);

        g_assert_false(cgroup_holds_only(fd, 12));
        put_group(&dir, "12\n", "0\n", none);
        g_assert_true(cgroup_holds_only(fd, 12));
        g_assert_false(cgroup_holds_only(fd, 1));
        g_assert_false(cgroup_holds_only(fd, 123));
        put_group(&dir, "12\n13\n", "0\n", none);
        g_assert_false(cgroup_holds_only(fd, 12));
        put_group(&dir, "", "0\n", none);
        g_assert_false(cgroup_holds_only(fd, 12));
        put_group(&dir, "12\n", "1\n", none);
        g_assert_false(cgroup_holds_only(fd, 12));
        put_group(&dir, "12\n", "0\n", "nr_descendants 1\nnr_dying_descendants 0\n");
        g_assert_false(cgroup_holds_only(fd, 12));
}

static void test_usage_is_what_there_is(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);

        g_assert_cmpuint(cgroup_read_memory_peak(fd), ==, UINT64_MAX);
        g_assert_cmpuint(cgroup_read_cpu_nsec(fd), ==, UINT64_MAX);

        test_dir_put(&dir, "cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n");
        test_dir_put(&dir, "memory.peak", "4096\n");
        g_assert_cmpuint(cgroup_read_cpu_nsec(fd), ==, 1500000);
        g_assert_cmpuint(cgroup_read_memory_peak(fd), ==, 4096);
}

static void test_groups_of_fleet_guild_and_agent_are_found(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_path(&dir, "agents.slice/agents-g.slice/agent-a.scope");
        static const char *const names[][2] = {
                { NULL, NULL },
                { "agents-g.slice", NULL },
                { "agents-g.slice", "agent-a.scope" },
        };

        g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                _cleanup_close_ int fd = cgroup_open(dir.path, names[i][0], names[i][1]);

                g_assert_cmpint(fd, >=, 0);
        }
        g_assert_cmpint(cgroup_open(dir.path, "agents-g.slice", "agent-b.scope"), ==, -ENOENT);
        g_assert_cmpint(cgroup_open(NULL, NULL, NULL), ==, -ENOENT);
}

static void test_what_has_no_group_has_the_root(void)
{
        _cleanup_free_ char *root = NULL;

        g_assert_cmpint(cgroup_find_root(INT32_MAX, &root), ==, 0);
        g_assert_cmpstr(root, ==, "");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cgroup/numbers-are-read", test_numbers_are_read);
        g_test_add_func(
                "/cgroup/numbers-are-found-by-their-whole-key", test_numbers_are_found_by_their_whole_key);
        g_test_add_func("/cgroup/words-are-found-whole", test_words_are_found_whole);
        g_test_add_func("/cgroup/group-is-empty-only-if-it-says-so", test_group_is_empty_only_if_it_says_so);
        g_test_add_func("/cgroup/group-holds-only-a-process-that-runs-alone",
                test_group_holds_only_a_process_that_runs_alone);
        g_test_add_func("/cgroup/usage-is-what-there-is", test_usage_is_what_there_is);
        g_test_add_func("/cgroup/groups-of-fleet-guild-and-agent-are-found",
                test_groups_of_fleet_guild_and_agent_are_found);
        g_test_add_func("/cgroup/what-has-no-group-has-the-root", test_what_has_no_group_has_the_root);
        return g_test_run();
}
