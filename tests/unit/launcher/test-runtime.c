/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime.h"

#include <signal.h>
#include <sys/stat.h>

#include "strv.h"
#include "test-dir.h"

/* Files may be our own in user mode, so that these tests run as anyone. */
#define MINIMAL "[Runtime]\nExec=/bin/true\n"

static RuntimeSet *load(const TestDir *dir, bool user_mode)
{
        const char *const dirs[] = { dir->path, NULL };
        RuntimeSet *set = NULL;

        g_assert_cmpint(runtime_set_load(dirs, user_mode, &set), ==, 0);
        return set;
}

/* A set of the one file. */
static RuntimeSet *load_text(const char *text, bool user_mode)
{
        g_auto(TestDir) dir = test_dir_new();

        test_dir_put(&dir, "r.runtime", text);
        return load(&dir, user_mode);
}

/* In system mode, where the file has to be root's. */
static bool is_root(void)
{
        if (geteuid() == 0)
                return true;
        g_test_skip("only root can own a runtime of the system");
        return false;
}

static void assert_refused_in(const char *text, bool user_mode, const char *expected)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text(text, user_mode);

        g_assert_cmpuint(set->n_runtimes, ==, 0);
        g_assert_cmpuint(strv_length(set->refused), ==, 1);
        if (!strstr(set->refused[0], expected))
                g_error("\"%s\" is not in \"%s\"", expected, set->refused[0]);
}

static void assert_refused(const char *text, const char *expected)
{
        assert_refused_in(text, true, expected);
}

/* The minimal runtime with one more line, its third. */
static void assert_line_refused(const char *line, const char *expected)
{
        g_autofree char *text = g_strdup_printf(MINIMAL "%s\n", line);
        g_autofree char *message = g_strdup_printf("r.runtime:3: %s", expected);

        assert_refused(text, message);
}

static void test_a_minimal_runtime_has_the_defaults(void)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text(MINIMAL, true);
        static const char *const exec[] = { "/bin/true", NULL };
        const Runtime *r = runtime_set_find(set, "r");

        g_assert_cmpuint(strv_length(set->refused), ==, 0);
        g_assert_nonnull(r);
        g_assert_cmpstr(r->name, ==, "r");
        g_assert_cmpstrv(r->exec, exec);
        g_assert_cmpint(r->type, ==, RUNTIME_EXEC);
        g_assert_null(r->working_directory);
        g_assert_cmpuint(r->umask, ==, 0022);
        g_assert_true(r->no_new_privileges);
        g_assert_cmpuint(r->start_timeout_usec, ==, 30 * USEC_PER_SEC);
        g_assert_cmpuint(r->stop_timeout_usec, ==, 10 * USEC_PER_SEC);
        g_assert_cmpuint(r->watchdog_usec, ==, 0);
        g_assert_cmpint(r->stop_signal, ==, SIGTERM);
        g_assert_cmpint(r->restart, ==, RUNTIME_RESTART_NO);
        g_assert_cmpuint(r->restart_usec, ==, 100 * USEC_PER_MSEC);
        g_assert_cmpuint(r->restart_max_usec, ==, 60 * USEC_PER_SEC);
        g_assert_false(r->output_null);
        g_assert_null(r->match);
        g_assert_null(r->user);
        g_assert_null(r->environment);
        for (size_t i = 0; i < RLIM_NLIMITS; i++)
                g_assert_false(r->limits[i].set);
        g_assert_cmpuint(r->n_properties, ==, 1);
        g_assert_cmpstr(r->properties[0].setting, ==, "OOMPolicy");
        g_assert_cmpstr(r->properties[0].value, ==, "kill");
}

static void test_every_key_is_read(void)
{
        static const char text[] =
                "[Runtime]\n"
                "Match=rustic_ai.* other.*\nMatch=third\n"
                "Exec=/usr/bin/python3 -m 'my runner' --agent %a %{agent_spec} 100%%\n"
                "Type=notify\nUser=agents\nGroup=staff\nSupplementaryGroups=audio video\n"
                "SupplementaryGroups=44\nWorkingDirectory=/srv\nUMask=077\n"
                "Environment=A=1 \"B=two words\"\nEnvironment=A=3\nLimitNOFILE=1024:4096\n"
                "NoNewPrivileges=no\nStartTimeoutSec=5\nStopTimeoutSec=1min\nWatchdogSec=2\n"
                "StopSignal=SIGINT\nRestart=on-failure\nRestartSec=1\nRestartMaxSec=5min\n"
                "StandardOutput=null\nClientTypes=a b\nAllowEnvironment=X_* Y\n"
                "MemoryMax=512M\nTasksMax=50%\nOOMPolicy=continue\nRequire=MemoryMax OOMPolicy\n";
        static const char *const match[] = { "rustic_ai.*", "other.*", "third", NULL };
        static const char *const exec[] = { "/usr/bin/python3", "-m", "my runner", "--agent", "%a",
                "%{agent_spec}", "100%%", NULL };
        static const char *const groups[] = { "audio", "video", "44", NULL };
        static const char *const environment[] = { "A=3", "B=two words", NULL };
        static const char *const client_types[] = { "a", "b", NULL }, *const allow[] = { "X_*", "Y", NULL };
        static const char *const require[] = { "MemoryMax", "OOMPolicy", NULL };
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;
        const Runtime *r;

        if (!is_root())
                return;

        set = load_text(text, false);
        if (set->refused[0])
                g_error("%s", set->refused[0]);
        r = runtime_set_find(set, "r");
        g_assert_nonnull(r);
        g_assert_cmpstrv(r->match, match);
        g_assert_cmpstrv(r->exec, exec);
        g_assert_cmpint(r->type, ==, RUNTIME_NOTIFY);
        g_assert_cmpstr(r->user, ==, "agents");
        g_assert_cmpstr(r->group, ==, "staff");
        g_assert_cmpstrv(r->supplementary_groups, groups);
        g_assert_cmpstr(r->working_directory, ==, "/srv");
        g_assert_cmpuint(r->umask, ==, 0077);
        g_assert_cmpstrv(r->environment, environment);
        g_assert_true(r->limits[RLIMIT_NOFILE].set);
        g_assert_cmpuint(r->limits[RLIMIT_NOFILE].value.rlim_max, ==, 4096);
        g_assert_false(r->no_new_privileges);
        g_assert_cmpuint(r->start_timeout_usec, ==, 5 * USEC_PER_SEC);
        g_assert_cmpuint(r->stop_timeout_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpuint(r->watchdog_usec, ==, 2 * USEC_PER_SEC);
        g_assert_cmpint(r->stop_signal, ==, SIGINT);
        g_assert_cmpint(r->restart, ==, RUNTIME_RESTART_ON_FAILURE);
        g_assert_cmpuint(r->restart_usec, ==, USEC_PER_SEC);
        g_assert_cmpuint(r->restart_max_usec, ==, 300 * USEC_PER_SEC);
        g_assert_true(r->output_null);
        g_assert_cmpstrv(r->client_types, client_types);
        g_assert_cmpstrv(r->allow_environment, allow);
        g_assert_cmpuint(r->n_properties, ==, 3);
        g_assert_cmpstrv(r->require, require);
}

static void test_an_empty_assignment_goes_back_to_the_default(void)
{
        static const char text[] =
                "[Runtime]\nExec=/bin/false\nExec=\nExec=/bin/true\nMatch=a\nMatch=\nMatch=b\n"
                "Type=notify\nType=\nWorkingDirectory=/srv\nWorkingDirectory=\nUMask=077\nUMask=\n"
                "Environment=A=1\nEnvironment=\nLimitCORE=0\nLimitCORE=\nStopSignal=9\nStopSignal=\n"
                "StartTimeoutSec=1\nStartTimeoutSec=\nNoNewPrivileges=no\nNoNewPrivileges=\n"
                "MemoryMax=1G\nMemoryMax=\nOOMPolicy=stop\nOOMPolicy=\nRequire=X\nRequire=\n";
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text(text, true);
        static const char *const match[] = { "b", NULL }, *const exec[] = { "/bin/true", NULL };
        const Runtime *r = runtime_set_find(set, "r");

        g_assert_nonnull(r);
        g_assert_cmpstrv(r->exec, exec);
        g_assert_cmpstrv(r->match, match);
        g_assert_cmpint(r->type, ==, RUNTIME_EXEC);
        g_assert_null(r->working_directory);
        g_assert_cmpuint(r->umask, ==, 0022);
        g_assert_null(r->environment);
        g_assert_false(r->limits[RLIMIT_CORE].set);
        g_assert_cmpint(r->stop_signal, ==, SIGTERM);
        g_assert_cmpuint(r->start_timeout_usec, ==, 30 * USEC_PER_SEC);
        g_assert_true(r->no_new_privileges);
        g_assert_cmpuint(r->n_properties, ==, 1);
        g_assert_cmpstr(r->properties[0].value, ==, "kill");
}

static void test_an_unknown_key_is_refused_with_file_and_line(void)
{
        assert_line_refused("Frobnicate=1", "Unknown setting Frobnicate=");
        assert_line_refused("exec=/bin/true", "Unknown setting exec=");
        assert_line_refused("LimitFOO=1", "Unknown setting LimitFOO=");
        assert_line_refused("Frobnicate=", "Unknown setting Frobnicate=");
        assert_line_refused("Slice=x.slice", "Slice= cannot be set: ");
        assert_line_refused("BPFProgram=egress:/sys/fs/bpf/x", "BPFProgram= cannot be set: ");
        assert_line_refused(
                "MemoryLimit=1G", "MemoryLimit= cannot be set: it is for cgroup v1, use MemoryMax=");
}

static void test_another_section_is_refused(void)
{
        assert_refused(MINIMAL "[Service]\nType=exec\n", "r.runtime:4: Unknown section [Service]");
}

static void test_a_setting_before_the_header_is_refused(void)
{
        assert_refused(
                "Exec=/bin/true\n[Runtime]\n", "r.runtime:1: Exec= stands before the header [Runtime]");
}

static void test_a_line_that_is_no_setting_is_refused(void)
{
        assert_line_refused("junk", "Not a setting, expected Key=value");
}

static void test_a_bad_exec_is_refused(void)
{
        assert_refused(
                "[Runtime]\nExec=python3 -m x\n", "r.runtime:2: Exec=: 'python3' is not an absolute path");
        assert_refused("[Runtime]\nExec=./x\n", "r.runtime:2: Exec=: './x' is not an absolute path");
        assert_refused("[Runtime]\nExec=-/bin/true\n", "is not an absolute path");
        assert_refused("[Runtime]\nExec=\"\" x\n", "Exec=: '' is not an absolute path");
        assert_refused("[Runtime]\nExec=/bin/sh -c 'x\n", "r.runtime:2: Exec=: a quote is not closed");
        assert_refused("[Runtime]\nExec=/bin/sh \\q\n",
                "r.runtime:2: Exec=: a quote is not closed, or a backslash");
        assert_refused("[Runtime]\nExec=/bin/sh %i\n", "r.runtime:2: Exec=: unknown specifier in '%i'");
        assert_refused("[Runtime]\nExec=/bin/sh %{agent}\n", "unknown specifier in '%{agent}'");
        assert_refused("[Runtime]\nExec=/bin/sh %\n", "unknown specifier in '%'");
        assert_refused(
                "[Runtime]\nExec=/opt/%a/run\n", "the program's path '/opt/%a/run' cannot hold specifiers");
        assert_refused("[Runtime]\nType=exec\n", "r.runtime: Exec= is missing");
        assert_refused("[Runtime]\nExec=/bin/true\nExec=\n", "r.runtime: Exec= is missing");
}

static void test_all_specifiers_are_known(void)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set =
                load_text("[Runtime]\nExec=/bin/50%% %a %g %{agent_spec} %{guild_spec} %{messaging_config} "
                          "%{client_properties} %%\n",
                        true);

        g_assert_cmpuint(set->n_runtimes, ==, 1);
}

static void test_the_user_is_required_in_system_mode(void)
{
        if (!is_root())
                return;

        assert_refused_in(MINIMAL, false, "r.runtime: User= is missing");
        assert_refused_in(MINIMAL "User=x\nUser=\n", false, "r.runtime: User= is missing");
        assert_refused_in(MINIMAL "User=a b\n", false, "r.runtime:3: User=a b: expected the name");
        assert_refused_in(MINIMAL "User=agenthost\n", false,
                "r.runtime:3: User=agenthost: agents cannot run as agenthost's own user");
        assert_refused_in(MINIMAL "User=x\nGroup=a:b\n", false, "r.runtime:4: Group=a:b: expected");
        assert_refused_in(
                MINIMAL "User=x\nSupplementaryGroups=a b:c\n", false, "SupplementaryGroups=b:c: expected");
}

static void test_users_and_groups_are_refused_in_user_mode(void)
{
        assert_line_refused(
                "User=x", "User= cannot be set in user mode: the agents of a user run as that user");
        assert_line_refused("Group=x", "Group= cannot be set in user mode");
        assert_line_refused("SupplementaryGroups=x", "SupplementaryGroups= cannot be set in user mode");
}

static void test_bad_values_are_refused_with_what_is_expected(void)
{
        assert_line_refused("Type=simple", "Type=simple: expected exec or notify");
        assert_line_refused("WorkingDirectory=srv", "WorkingDirectory=srv: expected an absolute path");
        assert_line_refused("UMask=0999", "UMask=0999: expected an octal mode");
        assert_line_refused("UMask=7777", "UMask=7777: expected an octal mode");
        assert_line_refused("NoNewPrivileges=maybe", "NoNewPrivileges=maybe: expected yes or no");
        assert_line_refused("StartTimeoutSec=x", "StartTimeoutSec=x: expected a time");
        assert_line_refused("StartTimeoutSec=0", "StartTimeoutSec=0: expected a time above 0");
        assert_line_refused("StopTimeoutSec=infinity", "StopTimeoutSec=infinity: expected a time");
        assert_line_refused("WatchdogSec=-1", "WatchdogSec=-1: expected a time");
        assert_line_refused("StopSignal=SIGFOO", "StopSignal=SIGFOO: expected a signal");
        assert_line_refused("Restart=sometimes", "Restart=sometimes: expected no, on-failure or always");
        assert_line_refused("StandardOutput=tty", "StandardOutput=tty: expected journal or null");
        assert_line_refused("LimitNOFILE=x", "LimitNOFILE=x: expected a number");
        assert_line_refused("LimitNOFILE=5:4", "LimitNOFILE=5:4: the soft limit is above the hard one");
        assert_line_refused("MemoryMax=12x", "MemoryMax=12x: expected bytes");
        assert_line_refused("Environment=A", "Environment=A: expected NAME=value");
        assert_line_refused("Environment=\"A=1", "Environment=\"A=1: expected NAME=value");
        assert_line_refused(
                "Environment=NOTIFY_SOCKET=x", "Environment=: NOTIFY_SOCKET is set by agenthost itself");
        assert_line_refused(
                "Environment=AGENTHOST_X=x", "Environment=: AGENTHOST_X is set by agenthost itself");
}

static void test_settings_that_contradict_each_other_are_refused(void)
{
        assert_refused(MINIMAL "RestartSec=2\nRestartMaxSec=1\n", "RestartMaxSec= is below RestartSec=");
        assert_refused(MINIMAL "Require=MemoryMax\n", "Require=MemoryMax names no resource-control setting");
        assert_refused(MINIMAL "MemoryMax=1G\nRequire=MemoryMax Type\n", "Require=Type names no");
}

static void test_a_refused_runtime_leaves_the_others(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *bad = test_dir_write(&dir, "bad.runtime", MINIMAL "Frobnicate=1\n", -1);
        g_autofree char *expected = g_strconcat(bad, ":3: Unknown setting Frobnicate=", NULL);
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        test_dir_put(&dir, "good.runtime", MINIMAL);
        test_dir_put(&dir, "a-good.runtime", MINIMAL);
        test_dir_put(&dir, "a.runtime", MINIMAL);
        set = load(&dir, true);
        g_assert_cmpuint(set->n_runtimes, ==, 3);
        g_assert_cmpstr(set->runtimes[0]->name, ==, "a");
        g_assert_cmpstr(set->runtimes[1]->name, ==, "a-good");
        g_assert_cmpstr(set->runtimes[2]->name, ==, "good");
        g_assert_cmpuint(strv_length(set->refused), ==, 1);
        g_assert_cmpstr(set->refused[0], ==, expected);
        g_assert_null(runtime_set_find(set, "bad"));
        g_assert_null(runtime_set_find(set, "../good"));
        g_assert_null(runtime_set_find(set, ""));
        g_assert_null(runtime_set_find(set, "\xff"));
}

static void test_files_with_odd_names_are_refused(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        test_dir_put(&dir, "a b.runtime", MINIMAL);
        test_dir_put(&dir, "\xff\n.runtime", MINIMAL);
        test_dir_put(&dir, ".hidden.runtime", MINIMAL);
        test_dir_put(&dir, "notes.txt", "x");
        set = load(&dir, true);
        g_assert_cmpuint(set->n_runtimes, ==, 0);
        g_assert_cmpuint(strv_length(set->refused), ==, 2);
        g_assert_nonnull(strstr(set->refused[0], "a b.runtime: the name of a runtime can have letters"));
        g_assert_nonnull(strstr(set->refused[1],
                "/?"
                "?.runtime: the name of a runtime can have letters"));
}

static void test_bytes_of_a_file_do_not_get_into_messages(void)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text("[Runtime]\nExec=\\xff\\n\n", true);

        g_assert_cmpuint(strv_length(set->refused), ==, 1);
        g_assert_nonnull(strstr(set->refused[0],
                "Exec=: '?"
                "?' is not an absolute path"));
}

static void test_what_cannot_be_read_is_refused(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *sub = test_dir_path(&dir, "dir.runtime"),
                        *link = test_dir_path(&dir, "gone.runtime");
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        g_assert_cmpint(mkdir(sub, 0700), ==, 0);
        g_assert_cmpint(symlink("/nonexistent/x", link), ==, 0);
        set = load(&dir, true);
        g_assert_cmpuint(strv_length(set->refused), ==, 2);
        g_assert_nonnull(strstr(set->refused[0], "dir.runtime: Is a directory"));
        g_assert_nonnull(strstr(set->refused[1], "gone.runtime: No such file or directory"));
}

static void test_directories_are_tried_in_order_and_null_masks(void)
{
        g_auto(TestDir) high = test_dir_new(), low = test_dir_new();
        g_autofree char *mask = test_dir_path(&high, "c.runtime");
        const char *const dirs[] = { high.path, "/nonexistent/x", low.path, NULL };
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        test_dir_put(&high, "a.runtime", "[Runtime]\nExec=/bin/high\n");
        test_dir_put(&low, "a.runtime", "[Runtime]\nExec=/bin/low\n");
        test_dir_put(&low, "c.runtime", MINIMAL);
        g_assert_cmpint(symlink("/dev/null", mask), ==, 0);
        g_assert_cmpint(runtime_set_load(dirs, true, &set), ==, 0);
        g_assert_cmpuint(set->n_runtimes, ==, 1);
        g_assert_cmpstr(set->runtimes[0]->exec[0], ==, "/bin/high");
        g_assert_cmpuint(strv_length(set->refused), ==, 0);
}

static void test_directories_that_cannot_be_listed_are_said_so(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *file = test_dir_write(&dir, "f", "x", -1);
        const char *const dirs[] = { file, NULL };
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        g_assert_cmpint(runtime_set_load(dirs, true, &set), ==, 0);
        g_assert_cmpuint(strv_length(set->refused), ==, 1);
        g_assert_nonnull(strstr(set->refused[0], "Not a directory"));
}

static void test_files_that_others_can_change_are_refused_in_system_mode(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *group = test_dir_write(&dir, "group.runtime", MINIMAL "User=x\n", -1);
        g_autofree char *others = test_dir_write(&dir, "others.runtime", MINIMAL "User=x\n", -1);
        g_autofree char *owner = test_dir_write(&dir, "owner.runtime", MINIMAL "User=x\n", -1);
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        if (!is_root())
                return;

        test_dir_put(&dir, "safe.runtime", MINIMAL "User=x\n");
        g_assert_cmpint(chmod(group, 0664), ==, 0);
        g_assert_cmpint(chmod(others, 0646), ==, 0);
        g_assert_cmpint(chown(owner, 1000, 0), ==, 0);
        set = load(&dir, false);
        g_assert_cmpuint(set->n_runtimes, ==, 1);
        g_assert_cmpstr(set->runtimes[0]->name, ==, "safe");
        g_assert_cmpuint(strv_length(set->refused), ==, 3);
        g_assert_nonnull(
                strstr(set->refused[0], "group.runtime: writable by others than its owner (chmod go-w "));
        g_assert_nonnull(strstr(set->refused[1], "others.runtime: writable by others"));
        g_assert_nonnull(strstr(set->refused[2], "owner.runtime: not owned by root (chown root "));
}

static void test_files_of_root_and_our_own_count_in_user_mode(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *others = test_dir_write(&dir, "others.runtime", MINIMAL, -1);
        g_autofree char *writable = test_dir_write(&dir, "writable.runtime", MINIMAL, -1);
        g_autofree char *roots = test_dir_write(&dir, "roots.runtime", MINIMAL, -1);
        g_autofree char *own = test_dir_write(&dir, "own.runtime", MINIMAL, -1);
        _cleanup_(runtime_set_freep) RuntimeSet *set = NULL;

        if (!is_root())
                return;

        g_assert_cmpint(chown(others, 1000, 0), ==, 0);
        g_assert_cmpint(chown(writable, 1001, 0), ==, 0);
        g_assert_cmpint(chmod(writable, 0666), ==, 0);
        g_assert_cmpint(chown(own, 1001, 0), ==, 0);
        g_assert_cmpint(chown(dir.path, 1001, 0), ==, 0);
        g_assert_cmpint(seteuid(1001), ==, 0);
        set = load(&dir, true);
        g_assert_cmpint(seteuid(0), ==, 0);

        g_assert_cmpuint(set->n_runtimes, ==, 2);
        g_assert_cmpstr(set->runtimes[0]->name, ==, "own");
        g_assert_cmpstr(set->runtimes[1]->name, ==, "roots");
        g_assert_cmpuint(strv_length(set->refused), ==, 2);
        g_assert_nonnull(strstr(set->refused[0], "others.runtime: owned by another user"));
        g_assert_nonnull(strstr(set->refused[1], "writable.runtime: writable by others than its owner"));
}

static void test_callers_set_only_the_variables_that_are_allowed(void)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set =
                load_text(MINIMAL "AllowEnvironment=MODEL_* LANG\n", true);
        const Runtime *r = runtime_set_find(set, "r");
        _cleanup_fault_ Fault denied = FAULT_INIT, reserved = FAULT_INIT;

        g_assert_nonnull(r);
        g_assert_cmpint(runtime_check_environment(r, "MODEL_NAME=x", NULL), ==, 0);
        g_assert_cmpint(runtime_check_environment(r, "LANG=", NULL), ==, 0);

        g_assert_cmpint(runtime_check_environment(r, "PATH=/tmp", &denied), ==, -EACCES);
        g_assert_cmpint(denied.kind, ==, FAULT_ACCESS_DENIED);
        g_assert_nonnull(strstr(fault_text(&denied),
                "Runtime r does not let callers set PATH: add "
                "AllowEnvironment=PATH to "));
        g_assert_cmpint(runtime_check_environment(r, "LANGUAGE=x", NULL), ==, -EACCES);

        g_assert_cmpint(runtime_check_environment(r, "NOTIFY_SOCKET=/x", &reserved), ==, -EACCES);
        g_assert_nonnull(strstr(fault_text(&reserved), "NOTIFY_SOCKET is set by agenthost itself"));
}

static void test_no_glob_allows_what_agenthost_sets(void)
{
        static const char *const names[] = { "AGENTHOST_X=1", "AGENTHOST_=1", "NOTIFY_SOCKET=1",
                "WATCHDOG_USEC=1", "WATCHDOG_PID=1", "CREDENTIALS_DIRECTORY=1" };
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text(MINIMAL "AllowEnvironment=*\n", true);
        const Runtime *r = runtime_set_find(set, "r");

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                g_assert_cmpint(runtime_check_environment(r, names[i], NULL), ==, -EACCES);
        g_assert_cmpint(runtime_check_environment(r, "NOTIFY_SOCKETS=1", NULL), ==, 0);
}

static void test_only_a_glob_that_is_about_the_loader_allows_its_variables(void)
{
        _cleanup_(runtime_set_freep) RuntimeSet *all =
                load_text(MINIMAL "AllowEnvironment=* L* ?D_*\n", true);
        _cleanup_(runtime_set_freep) RuntimeSet *one =
                load_text(MINIMAL "AllowEnvironment=LD_LIBRARY_*\n", true);

        g_assert_cmpint(
                runtime_check_environment(runtime_set_find(all, "r"), "LD_PRELOAD=x", NULL), ==, -EACCES);
        g_assert_cmpint(runtime_check_environment(runtime_set_find(all, "r"), "LDAP=x", NULL), ==, 0);
        g_assert_cmpint(
                runtime_check_environment(runtime_set_find(one, "r"), "LD_LIBRARY_PATH=x", NULL), ==, 0);
        g_assert_cmpint(
                runtime_check_environment(runtime_set_find(one, "r"), "LD_PRELOAD=x", NULL), ==, -EACCES);
}

static void test_malformed_assignments_of_callers_are_refused(void)
{
        static const char *const bad[] = { "", "A", "=x", "1A=x", "A-B=x", "\xc3=x" };
        _cleanup_(runtime_set_freep) RuntimeSet *set = load_text(MINIMAL "AllowEnvironment=*\n", true);
        const Runtime *r = runtime_set_find(set, "r");

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_cmpint(runtime_check_environment(r, bad[i], &fault), ==, -EINVAL);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/runtime/defaults", test_a_minimal_runtime_has_the_defaults);
        g_test_add_func("/runtime/all-keys", test_every_key_is_read);
        g_test_add_func("/runtime/reset", test_an_empty_assignment_goes_back_to_the_default);
        g_test_add_func("/runtime/unknown-key", test_an_unknown_key_is_refused_with_file_and_line);
        g_test_add_func("/runtime/section", test_another_section_is_refused);
        g_test_add_func("/runtime/no-section", test_a_setting_before_the_header_is_refused);
        g_test_add_func("/runtime/junk", test_a_line_that_is_no_setting_is_refused);
        g_test_add_func("/runtime/exec", test_a_bad_exec_is_refused);
        g_test_add_func("/runtime/specifiers", test_all_specifiers_are_known);
        g_test_add_func("/runtime/user", test_the_user_is_required_in_system_mode);
        g_test_add_func("/runtime/user-mode-owners", test_files_of_root_and_our_own_count_in_user_mode);
        g_test_add_func("/runtime/user-mode", test_users_and_groups_are_refused_in_user_mode);
        g_test_add_func("/runtime/values", test_bad_values_are_refused_with_what_is_expected);
        g_test_add_func("/runtime/contradictions", test_settings_that_contradict_each_other_are_refused);
        g_test_add_func("/set/others-stay", test_a_refused_runtime_leaves_the_others);
        g_test_add_func("/set/names", test_files_with_odd_names_are_refused);
        g_test_add_func("/set/bytes", test_bytes_of_a_file_do_not_get_into_messages);
        g_test_add_func("/set/unreadable", test_what_cannot_be_read_is_refused);
        g_test_add_func("/set/precedence", test_directories_are_tried_in_order_and_null_masks);
        g_test_add_func("/set/not-listed", test_directories_that_cannot_be_listed_are_said_so);
        g_test_add_func("/set/ownership", test_files_that_others_can_change_are_refused_in_system_mode);
        g_test_add_func("/environment/allowed", test_callers_set_only_the_variables_that_are_allowed);
        g_test_add_func("/environment/reserved", test_no_glob_allows_what_agenthost_sets);
        g_test_add_func(
                "/environment/loader", test_only_a_glob_that_is_about_the_loader_allows_its_variables);
        g_test_add_func("/environment/malformed", test_malformed_assignments_of_callers_are_refused);
        return g_test_run();
}
