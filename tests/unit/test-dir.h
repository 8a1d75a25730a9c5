/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory of a test's own, below the temporary directory. Used by the unit tests that need files. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct TestDir {
        char *path;
} TestDir;

static inline TestDir test_dir_new(void)
{
        GError *error = NULL;
        TestDir dir = { g_dir_make_tmp("agenthost-test-XXXXXX", &error) };

        g_assert_no_error(error);
        return dir;
}

static inline char *test_dir_path(const TestDir *dir, const char *name)
{
        return g_build_filename(dir->path, name, NULL);
}

/* Writes a file of this content, length -1 for a text, and gives its path. */
static inline char *test_dir_write(const TestDir *dir, const char *name, const char *content, gssize length)
{
        char *path = test_dir_path(dir, name);
        GError *error = NULL;

        g_file_set_contents_full(path, content, length, G_FILE_SET_CONTENTS_NONE, 0644, &error);
        g_assert_no_error(error);
        g_assert_cmpint(g_chmod(path, 0644), ==, 0);
        return path;
}

/* The same for a text whose path does not matter. */
static inline void test_dir_put(const TestDir *dir, const char *name, const char *text)
{
        g_free(test_dir_write(dir, name, text, -1));
}

static inline void test_dir_remove(const char *path)
{
        GDir *d = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
        const char *name;

        while (d && (name = g_dir_read_name(d))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                test_dir_remove(child);
        }
        g_clear_pointer(&d, g_dir_close);
        g_remove(path);
}

static inline void test_dir_done(TestDir *dir)
{
        test_dir_remove(dir->path);
        g_free(dir->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestDir, test_dir_done)
