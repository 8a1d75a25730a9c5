/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf-files.h"

#include "strv.h"
#include "test-dir.h"

typedef struct Dirs {
        TestDir etc, run, usr;
} Dirs;

static Dirs dirs_new(void)
{
        return (Dirs){ .etc = test_dir_new(), .run = test_dir_new(), .usr = test_dir_new() };
}

static void dirs_done(Dirs *d)
{
        test_dir_done(&d->etc);
        test_dir_done(&d->run);
        test_dir_done(&d->usr);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dirs, dirs_done)

static void put_link(const TestDir *dir, const char *name, const char *target)
{
        g_autofree char *path = test_dir_path(dir, name);

        g_assert_cmpint(symlink(target, path), ==, 0);
}

static void assert_list(const Dirs *d, const char *const *expected)
{
        const char *const dirs[] = { d->etc.path, d->run.path, d->usr.path, "/nonexistent/agenthost", NULL };
        _cleanup_strv_free_ char **paths = NULL;

        g_assert_cmpint(conf_files_list(dirs, ".conf", &paths), ==, 0);
        g_assert_cmpstrv(paths, expected);
}

static void test_the_first_directory_wins_and_names_are_sorted_bytewise(void)
{
        g_auto(Dirs) d = dirs_new();
        g_autofree char *etc_b = NULL, *run_Z = NULL, *usr_a = NULL;

        test_dir_put(&d.usr, "a.conf", "usr");
        test_dir_put(&d.usr, "b.conf", "usr");
        test_dir_put(&d.run, "b.conf", "run");
        test_dir_put(&d.run, "Z.conf", "run");
        test_dir_put(&d.etc, "b.conf", "etc");
        etc_b = test_dir_path(&d.etc, "b.conf");
        run_Z = test_dir_path(&d.run, "Z.conf");
        usr_a = test_dir_path(&d.usr, "a.conf");

        assert_list(&d, (const char *const[]){ run_Z, usr_a, etc_b, NULL });
}

static void test_a_link_to_dev_null_masks(void)
{
        g_auto(Dirs) d = dirs_new();

        test_dir_put(&d.usr, "a.conf", "usr");
        put_link(&d.etc, "a.conf", "/dev/null");
        test_dir_put(&d.usr, "b.conf", "usr");
        put_link(&d.run, "b.conf", "c");
        put_link(&d.run, "c", "/dev/null");

        assert_list(&d, (const char *const[]){ NULL });
}

static void test_an_empty_file_masks(void)
{
        g_auto(Dirs) d = dirs_new();

        test_dir_put(&d.usr, "a.conf", "usr");
        test_dir_put(&d.etc, "a.conf", "");

        assert_list(&d, (const char *const[]){ NULL });
}

static void test_a_mask_of_lower_precedence_masks_nothing(void)
{
        g_auto(Dirs) d = dirs_new();
        g_autofree char *etc_a = NULL;

        test_dir_put(&d.etc, "a.conf", "etc");
        put_link(&d.usr, "a.conf", "/dev/null");
        etc_a = test_dir_path(&d.etc, "a.conf");

        assert_list(&d, (const char *const[]){ etc_a, NULL });
}

static void test_hidden_files_and_other_suffixes_do_not_count(void)
{
        g_auto(Dirs) d = dirs_new();

        test_dir_put(&d.etc, ".a.conf", "x");
        test_dir_put(&d.etc, ".#b.conf", "x");
        test_dir_put(&d.etc, "c.conf~", "x");
        test_dir_put(&d.etc, "d.conf.bak", "x");
        test_dir_put(&d.etc, ".conf", "x");
        test_dir_put(&d.etc, "conf", "x");

        assert_list(&d, (const char *const[]){ NULL });
}

static void test_a_link_that_leads_nowhere_stays_and_fails_when_read(void)
{
        g_auto(Dirs) d = dirs_new();
        g_autofree char *path = NULL;

        put_link(&d.etc, "a.conf", "/nonexistent/file");
        path = test_dir_path(&d.etc, "a.conf");

        assert_list(&d, (const char *const[]){ path, NULL });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func(
                "/conf-files/precedence", test_the_first_directory_wins_and_names_are_sorted_bytewise);
        g_test_add_func("/conf-files/mask", test_a_link_to_dev_null_masks);
        g_test_add_func("/conf-files/mask-empty", test_an_empty_file_masks);
        g_test_add_func("/conf-files/mask-below", test_a_mask_of_lower_precedence_masks_nothing);
        g_test_add_func("/conf-files/names", test_hidden_files_and_other_suffixes_do_not_count);
        g_test_add_func("/conf-files/dangling", test_a_link_that_leads_nowhere_stays_and_fails_when_read);
        return g_test_run();
}
