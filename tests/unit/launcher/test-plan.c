/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <string.h>

#include <glib.h>

static char *word(const char *text)
{
        return (char *)text;
}

static char *build_in_mode(bool user_mode, Runtime *runtime, char *const *environment, Fault *fault)
{
        const Paths paths = { .user_mode = user_mode,
                .credentials_dir = word("/run/agenthost/credentials"),
                .notify_socket = word("/run/agenthost/notify") };
        static const struct rlimit nofile = { 1024, 4096 };
        const PlanInput input = { .paths = &paths,
                .runtime = runtime,
                .unit = "agent-a.scope",
                .agent_id = "a",
                .guild_id = "g",
                .machine_id = -3,
                .client_type = "Type",
                .environment = environment,
                .journal = true,
                .nofile = &nofile };
        char *text;
        size_t size;

        if (plan_build(&input, &text, &size, fault) < 0)
                return NULL;
        for (size_t i = 0; i < size; i++)
                if (!text[i])
                        text[i] = i + 1 < size ? '\n' : '\0';
        return text;
}

/* The entries of a plan, one to a line. */
static char *build(Runtime *runtime, char *const *environment, Fault *fault)
{
        return build_in_mode(false, runtime, environment, fault);
}

static Runtime runtime_of(char **exec)
{
        return (Runtime){ .name = word("r"), .exec = exec, .umask = 0027, .no_new_privileges = true };
}

static bool has_line(const char *text, const char *line)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        return g_strv_contains((const char *const *)lines, line);
}

static void test_plan_says_everything(void)
{
        char *exec[] = { word("/usr/bin/run"), word("--agent"), word("%a"), word("%g:%{guild_spec}"),
                word("100%%"), NULL };
        Runtime runtime = runtime_of(exec);
        g_autofree char *plan = NULL;
        static const char *const lines[] = { "Unit=agent-a.scope", "Ident=run", "UMask=0027",
                "NoNewPrivileges=1", "Output=journal", "WorkingDirectory=/",
                "Credentials=/run/agenthost/credentials/agent-a.scope", "RLimit=7:1024:4096",
                "Environment=AGENTHOST_MACHINE_ID=-3",
                "Environment=CREDENTIALS_DIRECTORY=/run/agenthost/credentials/agent-a.scope",
                "Argument=/usr/bin/run", "Argument=--agent", "Argument=a",
                "Argument=g:/run/agenthost/credentials/agent-a.scope/guild_spec", "Argument=100%" };

        plan = build(&runtime, NULL, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                g_assert_true(has_line(plan, lines[i]));
        g_assert_null(strstr(plan, "User="));
        g_assert_null(strstr(plan, "WATCHDOG"));
}

static void test_plan_takes_variables_from_the_nearest(void)
{
        char *exec[] = { word("/bin/true"), NULL };
        char *ours[] = { word("A=runtime"), word("B=old"), word("B=new"), word("NOTIFY_SOCKET=/tmp/x"),
                word("PATH=/p"), NULL };
        char *callers[] = { word("A=caller"), word("AB=1"), NULL };
        Runtime runtime = runtime_of(exec);
        g_autofree char *plan = NULL;

        runtime.environment = ours;
        plan = build(&runtime, callers, NULL);
        g_assert_true(has_line(plan, "Environment=A=caller"));
        g_assert_true(has_line(plan, "Environment=AB=1"));
        g_assert_true(has_line(plan, "Environment=B=new"));
        g_assert_true(has_line(plan, "Environment=PATH=/p"));
        g_assert_false(has_line(plan, "Environment=A=runtime"));
        g_assert_false(has_line(plan, "Environment=B=old"));
        g_assert_false(has_line(plan, "Environment=NOTIFY_SOCKET=/tmp/x"));
        g_assert_null(strstr(strstr(plan, "PATH=") + 1, "PATH="));
}

static void test_plan_of_a_user_has_his_environment_and_home(void)
{
        char *exec[] = { word("/bin/true"), NULL };
        char *ours[] = { word("SHELL=/bin/dash"), NULL };
        Runtime runtime = runtime_of(exec);
        g_autofree char *plan = NULL, *elsewhere = NULL, *system = NULL;

        g_setenv("HOME", "/home/u", true);
        g_setenv("USER", "u", true);
        g_setenv("SHELL", "/bin/sh", true);
        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", true);
        g_setenv("OTHER", "x", true);
        runtime.environment = ours;
        plan = build_in_mode(true, &runtime, NULL, NULL);
        g_assert_true(has_line(plan, "WorkingDirectory=/home/u"));
        g_assert_true(has_line(plan, "Environment=HOME=/home/u"));
        g_assert_true(has_line(plan, "Environment=USER=u"));
        g_assert_true(has_line(plan, "Environment=XDG_RUNTIME_DIR=/run/user/7"));
        g_assert_true(has_line(plan, "Environment=SHELL=/bin/dash"));
        g_assert_false(has_line(plan, "Environment=SHELL=/bin/sh"));
        g_assert_null(strstr(plan, "OTHER"));

        runtime.working_directory = word("/srv");
        elsewhere = build_in_mode(true, &runtime, NULL, NULL);
        g_assert_true(has_line(elsewhere, "WorkingDirectory=/srv"));

        runtime.working_directory = NULL;
        system = build(&runtime, NULL, NULL);
        g_assert_true(has_line(system, "WorkingDirectory=/"));
        g_assert_null(strstr(system, "HOME="));
}

static void test_plan_keeps_limit_of_runtime(void)
{
        char *exec[] = { word("/bin/true"), NULL };
        Runtime runtime = runtime_of(exec);
        g_autofree char *plan = NULL;

        runtime.limits[RLIMIT_NOFILE] = (RuntimeLimit){ true, { 10, RLIM_INFINITY } };
        plan = build(&runtime, NULL, NULL);
        g_assert_true(has_line(plan, "RLimit=7:10:18446744073709551615"));
}

static void test_plan_refuses_unknown_specifier(void)
{
        char *exec[] = { word("/bin/true"), word("%q"), NULL };
        Runtime runtime = runtime_of(exec);
        g_autofree char *plan = NULL;
        Fault fault = FAULT_INIT;

        plan = build(&runtime, NULL, &fault);
        g_assert_null(plan);
        g_assert_cmpint(fault.kind, ==, FAULT_START_FAILED);
        g_assert_nonnull(strstr(fault_text(&fault), "%q"));
        fault_done(&fault);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan/says_everything", test_plan_says_everything);
        g_test_add_func(
                "/plan/takes_variables_from_the_nearest", test_plan_takes_variables_from_the_nearest);
        g_test_add_func("/plan/of_a_user_has_his_environment_and_home",
                test_plan_of_a_user_has_his_environment_and_home);
        g_test_add_func("/plan/keeps_limit_of_runtime", test_plan_keeps_limit_of_runtime);
        g_test_add_func("/plan/refuses_unknown_specifier", test_plan_refuses_unknown_specifier);
        return g_test_run();
}
