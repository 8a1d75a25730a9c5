/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-util.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test-dir.h"

static int open_dir(const TestDir *dir)
{
        int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

static guint count_entries(const TestDir *dir)
{
        g_autoptr(GDir) d = g_dir_open(dir->path, 0, NULL);
        guint n = 0;

        while (g_dir_read_name(d))
                n++;
        return n;
}

static void test_a_file_is_read_whole_with_its_nul_bytes(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "f", "ab\0cd", 5);
        _cleanup_free_ char *data = NULL;
        size_t size;

        g_assert_cmpint(read_file_at(AT_FDCWD, path, 5, &data, &size), ==, 0);
        g_assert_cmpmem(data, size + 1, "ab\0cd", 6);
}

static void test_an_empty_file_is_an_empty_text(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "f", "", 0);
        _cleanup_free_ char *data = NULL;
        size_t size = 1;

        g_assert_cmpint(read_file_at(AT_FDCWD, path, 0, &data, &size), ==, 0);
        g_assert_cmpuint(size, ==, 0);
        g_assert_cmpstr(data, ==, "");
}

static void test_reading_stops_above_the_bound(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *content = g_strnfill(10000, 'x'), *path = test_dir_write(&dir, "f", content, -1);
        _cleanup_free_ char *data = NULL;

        g_assert_cmpint(read_file_at(AT_FDCWD, path, 9999, &data, NULL), ==, -EFBIG);
        g_assert_null(data);
        g_assert_cmpint(read_file_at(AT_FDCWD, path, 10000, &data, NULL), ==, 0);
        g_assert_cmpstr(data, ==, content);
}

static void test_files_of_proc_without_a_size_are_read(void)
{
        _cleanup_free_ char *data = NULL;
        size_t size;

        g_assert_cmpint(read_file_at(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &size), ==, 0);
        g_assert_nonnull(strstr(data, "Pid:"));
        g_assert_cmpuint(strlen(data), ==, size);
}

static void test_links_and_missing_files_are_not_followed(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "f", "x", -1), *link = test_dir_path(&dir, "link");
        _cleanup_close_ int fd = open_dir(&dir);
        char *data;

        g_assert_cmpint(symlink(path, link), ==, 0);
        g_assert_cmpint(read_file_at(fd, "link", 10, &data, NULL), ==, -ELOOP);
        g_assert_cmpint(read_file_at(fd, "missing", 10, &data, NULL), ==, -ENOENT);
        g_assert_cmpint(read_file_at(AT_FDCWD, dir.path, 10, &data, NULL), ==, -EISDIR);
}

static void test_a_fifo_does_not_hold_the_reader_up(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_path(&dir, "fifo");
        char *data;

        g_assert_cmpint(mkfifo(path, 0600), ==, 0);
        g_assert_cmpint(read_file_at(AT_FDCWD, path, 10, &data, NULL), ==, -ESPIPE);
}

static void test_an_atomic_write_replaces_and_leaves_one_file(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);
        g_autofree char *path = test_dir_path(&dir, "a"), *content = NULL;
        struct stat st;

        g_assert_cmpint(write_file_atomic_at(fd, "a", "one", 3), ==, 0);
        g_assert_cmpint(write_file_atomic_at(fd, "a", "other", 5), ==, 0);
        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        g_assert_cmpstr(content, ==, "other");
        g_assert_cmpuint(count_entries(&dir), ==, 1);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, 0600);
}

static void test_a_write_that_cannot_be_renamed_leaves_nothing(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);
        g_autofree char *path = test_dir_path(&dir, "a");

        g_assert_cmpint(mkdir(path, 0700), ==, 0);
        g_assert_cmpint(write_file_atomic_at(fd, "a", "x", 1), ==, -EISDIR);
        g_assert_cmpuint(count_entries(&dir), ==, 1);
}

static void test_a_write_that_fails_half_way_leaves_the_old_file(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);
        g_autofree char *path = test_dir_write(&dir, "a", "old", -1), *content = NULL;
        g_autofree char *big = g_strnfill(4096, 'x');
        struct rlimit before, small;
        int r;

        signal(SIGXFSZ, SIG_IGN);
        g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
        small = (struct rlimit){ .rlim_cur = 1000, .rlim_max = before.rlim_max };
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
        r = write_file_atomic_at(fd, "a", big, 4096);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);

        g_assert_cmpint(r, ==, -EFBIG);
        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        g_assert_cmpstr(content, ==, "old");
        g_assert_cmpuint(count_entries(&dir), ==, 1);
}

static void test_a_temporary_file_left_by_a_crash_is_no_obstacle(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_close_ int fd = open_dir(&dir);

        test_dir_put(&dir, ".#a", "half");
        g_assert_cmpint(write_file_atomic_at(fd, "a", "x", 1), ==, 0);
        g_assert_cmpuint(count_entries(&dir), ==, 1);
}

static void test_a_sealed_memory_file_cannot_be_changed(void)
{
        _cleanup_close_ int fd = memfd_sealed("test", "content", 7);
        _cleanup_free_ char *data = NULL;
        size_t size;

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(memfd_check_sealed(fd), ==, 0);
        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(pwrite(fd, "x", 1, 0), ==, -1);
        g_assert_cmpint(ftruncate(fd, 0), ==, -1);
        g_assert_cmpint(ftruncate(fd, 100), ==, -1);
        g_assert_cmpint(fcntl(fd, F_ADD_SEALS, 0), ==, -1);
        g_assert_cmpint(read_fd(fd, 7, &data, &size), ==, 0);
        g_assert_cmpmem(data, size, "content", 7);
}

static void test_reading_does_not_depend_on_the_offset(void)
{
        _cleanup_close_ int fd = memfd_sealed("test", "content", 7);
        _cleanup_free_ char *data = NULL;

        g_assert_cmpint(lseek(fd, 5, SEEK_SET), ==, 5);
        g_assert_cmpint(read_fd(fd, 100, &data, NULL), ==, 0);
        g_assert_cmpstr(data, ==, "content");
        g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 5);
}

static void test_what_is_not_sealed_is_told_from_what_is(void)
{
        _cleanup_close_ int open_memfd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        g_assert_cmpint(memfd_check_sealed(open_memfd), <, 0);
        g_assert_cmpint(fcntl(open_memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
        g_assert_cmpint(memfd_check_sealed(open_memfd), <, 0);
        g_assert_cmpint(memfd_check_sealed(null), <, 0);
        g_assert_cmpint(memfd_check_sealed(-1), <, 0);
}

static void test_an_existing_directory_is_taken_but_nothing_else(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *sub = test_dir_path(&dir, "sub"), *file = test_dir_write(&dir, "f", "", 0);
        g_autofree char *link = test_dir_path(&dir, "link"), *deep = test_dir_path(&dir, "no/sub");

        g_assert_cmpint(mkdir_safe(sub, 0700), ==, 0);
        g_assert_cmpint(mkdir_safe(sub, 0700), ==, 0);
        g_assert_cmpint(mkdir_safe(file, 0700), ==, -ENOTDIR);
        g_assert_cmpint(mkdir_safe(deep, 0700), ==, -ENOENT);
        g_assert_cmpint(symlink(sub, link), ==, 0);
        g_assert_cmpint(mkdir_safe(link, 0700), ==, -ENOTDIR);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/read/whole", test_a_file_is_read_whole_with_its_nul_bytes);
        g_test_add_func("/read/empty", test_an_empty_file_is_an_empty_text);
        g_test_add_func("/read/bound", test_reading_stops_above_the_bound);
        g_test_add_func("/read/proc", test_files_of_proc_without_a_size_are_read);
        g_test_add_func("/read/links", test_links_and_missing_files_are_not_followed);
        g_test_add_func("/read/fifo", test_a_fifo_does_not_hold_the_reader_up);
        g_test_add_func("/read/offset", test_reading_does_not_depend_on_the_offset);
        g_test_add_func("/write/replaces", test_an_atomic_write_replaces_and_leaves_one_file);
        g_test_add_func("/write/rename-fails", test_a_write_that_cannot_be_renamed_leaves_nothing);
        g_test_add_func("/write/half-way", test_a_write_that_fails_half_way_leaves_the_old_file);
        g_test_add_func("/write/after-crash", test_a_temporary_file_left_by_a_crash_is_no_obstacle);
        g_test_add_func("/memfd/sealed", test_a_sealed_memory_file_cannot_be_changed);
        g_test_add_func("/memfd/is-sealed", test_what_is_not_sealed_is_told_from_what_is);
        g_test_add_func("/mkdir/safe", test_an_existing_directory_is_taken_but_nothing_else);
        return g_test_run();
}
