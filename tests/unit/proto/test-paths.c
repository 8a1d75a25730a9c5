/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/paths.h"

#include <glib.h>

#include "proto/launcher.h"
#include "proto/names.h"

/* Of everything that counts in user mode nothing is set. */
static void fixture_up(gpointer *fixture, gconstpointer data)
{
        static const char *const names[] = { "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME" };

        (void)fixture;
        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                g_unsetenv(names[i]);
}

static Paths *paths_of(bool user_mode)
{
        Paths *paths = NULL;

        g_assert_cmpint(paths_new(user_mode, &paths), ==, 0);
        return paths;
}

static void assert_list(char *const *list, const char *expected)
{
        g_autofree char *joined = g_strjoinv(" ", (char **)list);

        g_assert_cmpstr(joined, ==, expected);
}

static void test_the_system_s_are_the_same_for_all(gpointer *fixture, gconstpointer data)
{
        _cleanup_(paths_freep) Paths *p = NULL;

        (void)fixture;
        (void)data;

        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", true);
        g_setenv("HOME", "/home/u", true);
        p = paths_of(false);
        g_assert_false(p->user_mode);
        g_assert_cmpstr(p->state_dir, ==, STATE_DIR);
        g_assert_cmpstr(p->credentials_dir, ==, CREDENTIALS_DIR);
        g_assert_cmpstr(p->notify_socket, ==, NOTIFY_SOCKET_PATH);
        g_assert_cmpstr(p->launcher_address, ==, "unix:path=" LAUNCHER_SOCKET);
        g_assert_cmpstr(p->manager_address, ==, "unix:path=/run/systemd/private");
        assert_list(p->config_dirs, "/etc/agenthost /run/agenthost /usr/lib/agenthost");
        assert_list(p->runtimes_dirs,
                "/etc/agenthost/runtimes.d /run/agenthost/runtimes.d /usr/lib/agenthost/runtimes.d");
        g_assert_cmpstr(p->systemctl, ==, "systemctl");
        g_assert_cmpstr(p->journalctl, ==, "journalctl -u");
}

static void test_a_user_s_are_below_his_own_directories(gpointer *fixture, gconstpointer data)
{
        _cleanup_(paths_freep) Paths *p = NULL;

        (void)fixture;
        (void)data;

        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", true);
        g_setenv("HOME", "/home/u", true);
        p = paths_of(true);
        g_assert_true(p->user_mode);
        g_assert_cmpstr(p->state_dir, ==, "/run/user/7/agenthost/agents");
        g_assert_cmpstr(p->credentials_dir, ==, "/run/user/7/agenthost/credentials");
        g_assert_cmpstr(p->notify_socket, ==, "/run/user/7/agenthost/notify");
        g_assert_cmpstr(p->launcher_address, ==, "unix:path=/run/user/7/agenthost/launcher.sock");
        g_assert_cmpstr(p->manager_address, ==, "unix:path=/run/user/7/systemd/private");
        assert_list(p->config_dirs,
                "/home/u/.config/agenthost /etc/agenthost/user /run/user/7/agenthost "
                "/home/u/.local/share/agenthost /usr/lib/agenthost/user");
        g_assert_cmpstr(p->runtimes_dirs[0], ==, "/home/u/.config/agenthost/runtimes.d");
        g_assert_cmpstr(p->runtimes_dirs[4], ==, "/usr/lib/agenthost/user/runtimes.d");
        g_assert_null(p->runtimes_dirs[5]);
        g_assert_cmpstr(p->systemctl, ==, "systemctl --user");
        g_assert_cmpstr(p->journalctl, ==, "journalctl --user-unit");
}

static void test_a_user_s_directories_are_where_he_says(gpointer *fixture, gconstpointer data)
{
        _cleanup_(paths_freep) Paths *p = NULL;

        (void)fixture;
        (void)data;

        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", true);
        g_setenv("XDG_CONFIG_HOME", "/config", true);
        g_setenv("XDG_DATA_HOME", "relative", true);
        p = paths_of(true);
        /* Nor is there a home. */
        assert_list(p->config_dirs,
                "/config/agenthost /etc/agenthost/user /run/user/7/agenthost /usr/lib/agenthost/user");
}

static void test_a_user_needs_a_runtime_directory(gpointer *fixture, gconstpointer data)
{
        Paths *p = NULL;

        (void)fixture;
        (void)data;

        g_assert_cmpint(paths_new(true, &p), ==, -ENXIO);
        g_setenv("XDG_RUNTIME_DIR", "run", true);
        g_assert_cmpint(paths_new(true, &p), ==, -ENXIO);
        g_assert_null(p);
}

static void test_addresses_keep_odd_paths_apart(gpointer *fixture, gconstpointer data)
{
        _cleanup_(paths_freep) Paths *p = NULL;

        (void)fixture;
        (void)data;

        g_setenv("XDG_RUNTIME_DIR", "/a,b;c=\xc3\xa4%d", true);
        p = paths_of(true);
        g_assert_cmpstr(
                p->launcher_address, ==, "unix:path=/a%2cb%3bc%3d%c3%a4%25d/agenthost/launcher.sock");
        g_assert_cmpstr(p->notify_socket, ==, "/a,b;c=\xc3\xa4%d/agenthost/notify");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add("/paths/" name, gpointer, NULL, fixture_up, test_##function, NULL)
        ADD("system", the_system_s_are_the_same_for_all);
        ADD("user", a_user_s_are_below_his_own_directories);
        ADD("user-says", a_user_s_directories_are_where_he_says);
        ADD("user-needs-runtime-directory", a_user_needs_a_runtime_directory);
        ADD("addresses", addresses_keep_odd_paths_apart);
#undef ADD

        return g_test_run();
}
