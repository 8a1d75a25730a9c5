/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mode.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>

#include "host-state.h"
#include "outcome.h"

bool mode_is_user(void)
{
        return g_strcmp0(g_getenv("AGENTHOST_TEST_MODE"), "user") == 0;
}

const Paths *mode_paths(void)
{
        static Paths *paths;

        if (!paths)
                must(paths_new(mode_is_user(), &paths), "XDG_RUNTIME_DIR");
        return paths;
}

static const struct passwd *test_user(void)
{
        const struct passwd *pw = getpwnam(TEST_USER);

        if (!pw)
                fail("there is no user " TEST_USER);
        return pw;
}

void mode_prepare(void)
{
        if (!mode_is_user())
                return;

        if (!getpwnam(TEST_USER))
                g_free(command("useradd --create-home --shell /bin/sh " TEST_USER));
        /* It does not come back by itself to a bus that another test has restarted. */
        g_free(command("systemctl restart systemd-logind.service"));
        g_free(command("loginctl enable-linger " TEST_USER));
        /* Returns when it runs. */
        g_free(command("systemctl start user@%u.service", (unsigned)test_user()->pw_uid));
}

static char *runtime_dir_of(uid_t uid)
{
        return g_strdup_printf("/run/user/%u", (unsigned)uid);
}

static void set_environment(const struct passwd *pw)
{
        g_autofree char *runtime_dir = runtime_dir_of(pw->pw_uid);

        g_setenv("HOME", pw->pw_dir, true);
        g_setenv("USER", pw->pw_name, true);
        g_setenv("LOGNAME", pw->pw_name, true);
        g_setenv("XDG_RUNTIME_DIR", runtime_dir, true);
}

void mode_enter(void)
{
        const struct passwd *pw;

        if (!mode_is_user())
                return;

        pw = test_user();
        set_environment(pw);
        if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, 0) < 0 ||
                setresuid(pw->pw_uid, pw->pw_uid, 0) < 0)
                fail("cannot become " TEST_USER ": %m");
}

void mode_leave(void)
{
        if (mode_is_user() &&
                (setresuid(0, 0, 0) < 0 || setresgid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0))
                fail("cannot become root again: %m");
}

void mode_finish(void)
{
        g_autofree char *runtime_dir = NULL, *processes = NULL;
        uid_t uid;

        if (!mode_is_user())
                return;

        uid = test_user()->pw_uid;
        runtime_dir = runtime_dir_of(uid);
        g_free(command("loginctl disable-linger " TEST_USER));
        g_free(command("systemctl stop user@%1$u.service user-runtime-dir@%1$u.service", (unsigned)uid));
        processes = command("sh -c 'ps --user %u --format=args= || true'", (unsigned)uid);
        expect_text("processes of the user that are left", "", processes);
        expect_false("the user's runtime directory is left", g_file_test(runtime_dir, G_FILE_TEST_EXISTS));
}

char *mode_command_as_root(const char *line)
{
        uid_t uid = geteuid();
        char *out;

        if (seteuid(0) < 0)
                fail("cannot become root: %m");
        out = command("%s", line);
        if (seteuid(uid) < 0)
                fail("cannot become a user again: %m");
        return out;
}
