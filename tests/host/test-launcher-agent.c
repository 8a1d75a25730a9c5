/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an agent finds when it starts: user, environment, descriptors, limits, signals, its texts, the
 * journal. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/launcher-fixture.h"
#include "file-util.h"

static void end(Fixture *f, Spawned *s)
{
        fixture_stop(f, s->unit, UINT64_MAX);
        (void)fixture_wait_end(f, s->unit);
        fixture_acknowledge(f, s->unit);
}

/* Starts an agent that runs the script, which leaves its findings in a file. */
static char *run_script(Fixture *f, const char *lines, const char *script, const char *const *environment)
{
        g_autofree char *path = g_strdup(TEST_DIR "/script"), *content = NULL;
        g_autoptr(Spawned) s = NULL;

        content = g_strdup_printf("#!/bin/sh\nexec >" TEST_DIR "/found.tmp\n%s\necho end\nexec >/dev/null\n"
                                  "mv " TEST_DIR "/found.tmp " TEST_DIR "/found\nexec sleep 1000\n",
                script);
        g_free(shell("rm -f " TEST_DIR "/found*"));
        g_assert_true(g_file_set_contents(path, content, -1, NULL));
        g_free(shell("chmod 755 %s", path));
        fixture_runtime(f, "script", "Exec=%s %%a %%g %%{agent_spec} 100%%%%\n%s", path, lines);

        s = fixture_spawn_with(f, "the agent", "script", environment, NULL);
        g_assert_cmpstr(s->text, ==, NULL);
        content = (g_free(content), await_file("found"));
        end(f, s);
        return g_steal_pointer(&content);
}

static void expect_lines(const char *found, const char *const *lines)
{
        g_auto(GStrv) all = g_strsplit(found, "\n", -1);

        for (; *lines; lines++)
                if (!g_strv_contains((const char *const *)all, *lines))
                        g_error("no line '%s' in:\n%s", *lines, found);
}

static void test_agent_is_who_the_runtime_says(void)
{
        static const char *const expected[] = { "uid 1 1 1 1", "gid 1 1 1 1", "groups 1 4 27 ", "nnp 1",
                "caps 0", "umask 0027", "/var", "session 1", "oom 0", "end", NULL };
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *found = run_script(f,
                "SupplementaryGroups=adm sudo\nWorkingDirectory=/var\nUMask=0027",
                "awk '/^Uid/ { print \"uid\", $2, $3, $4, $5 } /^Gid/ { print \"gid\", $2, $3, $4, $5 }"
                " /^Groups/ { $1 = \"groups\"; print $0 \" \" } /^NoNewPrivs/ { print \"nnp\", $2 }"
                " /^CapEff/ { print \"caps\", $2 + 0 }' /proc/$$/status\n"
                "echo umask $(umask)\npwd\necho session $(awk '{ print ($6 == '$$') }' /proc/$$/stat)\n"
                "echo oom $(cat /proc/self/oom_score_adj)",
                NULL);

        expect_lines(found, expected);
}

static void test_agent_is_numeric_user_without_name(void)
{
        static const char *const expected[] = { "12345:54321:54321", "HOME=", NULL };
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *found = run_script(f, "User=12345\nGroup=54321\nNoNewPrivileges=no",
                "echo $(id -u):$(id -g):$(id -G)\necho HOME=$HOME", NULL);

        expect_lines(found, expected);
}

static void test_agent_has_promised_environment(void)
{
        static const char *const environment[] = { "CALLER=from=caller", "BOTH=caller", NULL };
        static const char *const expected[] = { "arguments the agent,g,100%",
                "/run/agenthost/credentials/agent-the\\x20agent.scope/agent_spec",
                "AGENTHOST_AGENT_ID=the agent", "AGENTHOST_GUILD_ID=g", "AGENTHOST_MACHINE_ID=7",
                "AGENTHOST_CLIENT_TYPE=Tracking", "NOTIFY_SOCKET=/run/agenthost/notify",
                "CREDENTIALS_DIRECTORY=/run/agenthost/credentials/agent-the\\x20agent.scope",
                "WATCHDOG_USEC=5000000", "HOME=/usr/sbin", "USER=daemon", "LOGNAME=daemon",
                "SHELL=/usr/sbin/nologin", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                "RUNTIME=from runtime", "CALLER=from=caller", "BOTH=caller", "end", NULL };
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *found = run_script(f,
                "WatchdogSec=5\nEnvironment=\"RUNTIME=from runtime\" BOTH=runtime\nAllowEnvironment=CALLER BOTH",
                "echo \"arguments $1,$2,$4\"\necho \"$3\"\ntr '\\0' '\\n' </proc/$$/environ", environment);
        static const char *const not_ours[] = {
                "JOURNAL_STREAM=", "LISTEN_FDS=", "INVOCATION_ID=", "LOG_LEVEL=", "SYSTEMD_", "MAINPID="
        };

        expect_lines(found, expected);
        g_assert_nonnull(strstr(found, "JOURNAL_STREAM="));
        for (size_t i = 1; i < G_N_ELEMENTS(not_ours); i++)
                g_assert_null(strstr(found, not_ours[i]));
}

static void test_agent_inherits_no_descriptor_signal_or_limit(void)
{
        static const char *const expected[] = { "fds 0 1 10 2", "stdin /dev/null", "nofile 1024",
                "ignored 0000000000001000", "blocked 0000000000000000", "cpu 100 200", "end", NULL };
        g_autoptr(Fixture) f = fixture_new();
        /* The shell itself holds its script as descriptor 10. */
        g_autofree char *found = run_script(f, "LimitCPU=100:200",
                "printf fds; for i in /proc/$$/fd/*; do [ ! -e $i ] || printf \" ${i##*/}\"; done; echo\n"
                "echo stdin $(readlink /proc/$$/fd/0)\n"
                "awk '/^Max open files/ { print \"nofile\", $4 } /^Max cpu time/ { print \"cpu\", $4, $5 }'"
                " /proc/$$/limits\n"
                "awk '/^SigIgn/ { print \"ignored\", $2 } /^SigBlk/ { print \"blocked\", $2 }' /proc/self/status",
                NULL);

        expect_lines(found, expected);
}

static void test_agent_reads_its_texts(void)
{
        static const char *const expected[] = { "agent_spec {\"id\":1}", "guild_spec {\"guild\":2}",
                "messaging_config {\"messaging\":3}", "client_properties {}", "400 daemon agent_spec",
                "755 root directory", "end", NULL };
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *found = run_script(f, "",
                "cd $CREDENTIALS_DIRECTORY\n"
                "for i in agent_spec guild_spec messaging_config client_properties; do echo $i $(cat $i); done\n"
                "stat -c '%a %U agent_spec' agent_spec\nstat -c '%a %U directory' .\n",
                NULL);

        expect_lines(found, expected);
}

static void test_journal_knows_the_agent_of_every_line(void)
{
        g_autoptr(Fixture) f = fixture_new();

        /* The last words of a process that is gone when journald reads them, and of a child of it. */
        fixture_runtime(f, "words",
                "Exec=/bin/sh -c 'echo first words; (echo \"<4>childs words\"); echo last words >&2'");
        for (int i = 0; i < 20; i++) {
                g_autofree char *id = g_strdup_printf("words%" G_GINT64_FORMAT, g_get_real_time());
                g_autoptr(Spawned) s = fixture_spawn(f, id, "words");

                fixture_expect_end(f, s, "success", CLD_EXITED, 0, false);
                g_free(shell("journalctl --sync"));
                g_autofree char *lines = shell("journalctl --output=cat --boot _TRANSPORT=stdout"
                                               " _SYSTEMD_UNIT=%s SYSLOG_IDENTIFIER=sh",
                        s->unit);
                g_assert_cmpstr(lines, ==, "first words\nchilds words\nlast words");
        }
}

static void test_null_output_goes_nowhere(void)
{
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *found = run_script(f, "StandardOutput=null",
                "echo stderr $(readlink /proc/$$/fd/2)\necho stream ${JOURNAL_STREAM:-none}", NULL);
        static const char *const expected[] = { "stderr /dev/null", "stream none", NULL };

        expect_lines(found, expected);
}

static void test_agent_starts_without_journal(void)
{
        g_autoptr(Fixture) f = fixture_new();
        static const char *const expected[] = { "stderr /dev/null", NULL };

        g_free(shell("mount --bind /var/empty /run/systemd/journal 2>/dev/null || (mkdir -p /var/empty && "
                     "mount --bind /var/empty /run/systemd/journal)"));
        g_autofree char *found = run_script(f, "", "echo stderr $(readlink /proc/$$/fd/2)", NULL);
        g_free(shell("umount /run/systemd/journal"));
        expect_lines(found, expected);
}

static void test_agent_starts_with_a_text_of_4_mib(void)
{
        g_autoptr(Fixture) f = fixture_new();
        size_t size = 4 * 1024 * 1024;
        g_autofree char *text = g_malloc(size);

        memset(text, ' ', size);
        close(f->texts[1]);
        f->texts[1] = memfd_sealed("text", text, size);
        g_autofree char *found = run_script(f, "", "stat -c %s $CREDENTIALS_DIRECTORY/guild_spec", NULL);
        expect_lines(found, (const char *const[]){ "4194304", NULL });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/launcher-agent/is_who_the_runtime_says", test_agent_is_who_the_runtime_says);
        g_test_add_func(
                "/launcher-agent/is_numeric_user_without_name", test_agent_is_numeric_user_without_name);
        g_test_add_func("/launcher-agent/has_promised_environment", test_agent_has_promised_environment);
        g_test_add_func("/launcher-agent/inherits_no_descriptor_signal_or_limit",
                test_agent_inherits_no_descriptor_signal_or_limit);
        g_test_add_func("/launcher-agent/reads_its_texts", test_agent_reads_its_texts);
        g_test_add_func("/launcher-agent/journal_knows_the_agent_of_every_line",
                test_journal_knows_the_agent_of_every_line);
        g_test_add_func("/launcher-agent/null_output_goes_nowhere", test_null_output_goes_nowhere);
        g_test_add_func("/launcher-agent/starts_without_journal", test_agent_starts_without_journal);
        g_test_add_func(
                "/launcher-agent/starts_with_a_text_of_4_mib", test_agent_starts_with_a_text_of_4_mib);
        return g_test_run();
}
