/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl: who may do what, terminals, other hosts, and what it says when something is wrong. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/ctl.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define MEMBER "ctl-member"
#define OTHER "ctl-other"
#define PASSWORD "not-a-secret"

#define ONE(id) "echo '{\"id\":\"" id "\",\"name\":\"One\",\"guild_id\":\"g\"}' | "

static void make_users(void)
{
        g_free(command("sh -c 'id " MEMBER " >/dev/null 2>&1 || useradd --groups agenthost " MEMBER "'"));
        g_free(command("sh -c 'id " OTHER " >/dev/null 2>&1 || useradd " OTHER "'"));
}

static void expect_as(const char *user, int code, const char *out, const char *err_part, const char *line)
{
        _cleanup_ctl_ CtlResult result = ctl_as(user, "%s", line);

        if (result.code != code)
                fail("%s, as %s: expected exit status %d, got %d\n%s%s", line, user, code, result.code,
                        result.out, result.err);
        if (out)
                expect_text(line, out, result.out);
        if (err_part)
                expect_part(line, err_part, result.err);
}

static void test_members_of_the_group_may_act(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *list = NULL;

        make_users();
        expect_as(MEMBER, 0, NULL, NULL, ONE("a1") "agentctl run --runtime=" NOTIFY " -");
        expect_as(MEMBER, 0, "a1: restarted\n", NULL, "agentctl restart a1");
        create(c, &(Create){ .id = "a2" });
        expect_as(MEMBER, 0, NULL, NULL, "agentctl stop a1 a2");
        list = agent_list(c, "");
        expect_text("agents", "", list);
}

static void test_others_may_look_and_not_act(void)
{
        static const char *const acts[] = { "stop a1", "stop --guild=g", "restart a1", "kill a1",
                "freeze a1", "thaw a1", "cat a1", "shutdown", "cleanup" };
        _cleanup_client_ Client *c = agents_begin();

        make_users();
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        expect_as(OTHER, 0, "a1\na2\n", NULL, "agentctl --no-legend --columns=id");
        expect_as(OTHER, 0, "running\n", NULL, "agentctl show a1 -p State --value");
        expect_as(OTHER, 0, NULL, NULL, "agentctl status a1");
        expect_as(OTHER, 0, NULL, NULL, "agentctl health");
        expect_as(OTHER, 0, NULL, NULL, "agentctl check-config");
        expect_as(OTHER, 5, "", "is for root and members of group agenthost",
                ONE("a3") "agentctl run --runtime=" NOTIFY " -");
        for (size_t i = 0; i < ELEMENTSOF(acts); i++) {
                g_autofree char *line = g_strconcat("agentctl ", acts[i], NULL),
                                *quiet = g_strconcat("agentctl --no-ask-password ", acts[i], NULL);

                expect_as(OTHER, 5, "", "is for root and members of group agenthost", line);
                expect_as(OTHER, 5, "", "and for those who authenticate", quiet);
        }
        expect_number("processes", 2, agent_process_count());
}

/* A rule of polkit for this user; and what agentctl asks beforehand must not be in its way. */
static void test_who_is_let_by_a_rule_may_act(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *list = NULL;

        make_users();
        polkit_rule("if (action.id == \"org.agenthost.host1.manage-agents\" && subject.user == \"" OTHER
                    "\" &&\n"
                    "    action.lookup(\"verb\") == \"StopAgent\")\n"
                    "        return polkit.Result.YES;");
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        expect_as(OTHER, 5, "", NULL, "agentctl restart a1");
        expect_as(OTHER, 0, NULL, NULL, "agentctl stop a1 a2");
        list = agent_list(c, "");
        expect_text("agents", "", list);
}

/* polkit's own agent asks on the terminal; whose password is the matter of its rules. */
static void test_others_are_asked_for_a_password_on_a_terminal(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult wrong = { 0 }, right = { 0 };

        make_users();
        g_free(command("sh -c 'echo " OTHER ":" PASSWORD " | chpasswd'"));
        polkit_rule(
                "if (action.id == \"org.agenthost.host1.manage-agents\" && subject.user == \"" OTHER "\")\n"
                "        return polkit.Result.AUTH_SELF;");
        create(c, &(Create){ .id = "a1" });
        wrong = ctl_on_terminal(80, OTHER, "Password: ", "wrong\n", "agentctl stop a1");
        expect_number("exit status with a wrong password", 5, wrong.code);
        agent_expect(c, "a1", "State", "running");
        right = ctl_on_terminal(80, OTHER, "Password: ", PASSWORD "\n", "agentctl stop a1");
        if (right.code != 0)
                fail("with the password: expected success, got %s", right.out);
        expect_part("output", "a1: stopped", right.out);
}

/* Without colours, as a user would read them. */
static char **terminal_lines(CtlResult *result)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (const char *p = result->out; *p; p++)
                if (*p == '\033')
                        p += strcspn(p, "mKJ");
                else if (*p != '\r')
                        g_string_append_c(text, *p);
        return g_strsplit(text->str, "\n", -1);
}

static void expect_fits(unsigned width, const char *line, unsigned n_rows)
{
        _cleanup_ctl_ CtlResult result = ctl_on_terminal(width, NULL, NULL, NULL, line);
        g_auto(GStrv) lines = terminal_lines(&result);

        expect_number(line, 0, result.code);
        for (char **l = lines; *l; l++)
                if (g_utf8_strlen(*l, -1) > width)
                        fail("%s: expected lines of at most %u columns, got '%s'", line, width, *l);
        /* The titles, an empty one, how many, and what is behind the last newline. */
        expect_number(line, n_rows + 4, g_strv_length(lines));
        expect_part(line, "…", result.out);
}

static void test_tables_fit_the_terminal(void)
{
        _cleanup_ctl_ CtlResult full = { 0 };
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-runtime-with-a-long-name", "exec", "wait", "Match=a.long.name.of.a.class.*");
        c = agents_begin();
        create(c,
                &(Create){ .id = "an-agent-with-a-long-id",
                        .guild = "A guild of some length",
                        .name = "And a name that is even longer than that" });
        expect_fits(60, "agentctl --no-pager", 1);
        expect_fits(60, "agentctl --no-pager list --fleet", 1);
        expect_fits(20, "agentctl --no-pager list --columns=created", 1);
        expect_fits(60, "agentctl --no-pager runtimes", 5);
        full = ctl_on_terminal(60, NULL, NULL, NULL, "agentctl --no-pager --full");
        expect_part("output", "And a name that is even longer than that", full.out);

        config_write("[Discovery]\nSource=static\n"
                     "Peers=a-host-with-a-long-name.example.org:50051 another-one.example.org:50051\n");
        host_reload();
        expect_fits(60, "agentctl --no-pager hosts", 2);
}

static void test_colours_are_for_terminals_and_those_who_want_them(void)
{
        static const char green[] = "\033[0;1;32mrunning\033[0m";
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult terminal = { 0 }, no_color = { 0 }, systemd = { 0 }, dumb = { 0 },
                                piped = { 0 };

        create(c, &(Create){ .id = "a1" });
        terminal = ctl_on_terminal(80, NULL, NULL, NULL, "agentctl --no-pager");
        expect_part("terminal", green, terminal.out);
        no_color = ctl_on_terminal(80, NULL, NULL, NULL, "NO_COLOR=1 agentctl --no-pager");
        expect_false("there are colours in spite of NO_COLOR", strstr(no_color.out, "\033["));
        systemd = ctl_on_terminal(80, NULL, NULL, NULL, "SYSTEMD_COLORS=0 agentctl --no-pager");
        expect_false("there are colours in spite of SYSTEMD_COLORS", strstr(systemd.out, "\033["));
        dumb = ctl_on_terminal(80, NULL, NULL, NULL, "TERM=dumb agentctl");
        expect_false("there are colours on a dumb terminal", strstr(dumb.out, "\033["));
        piped = ctl("SYSTEMD_COLORS=1 agentctl");
        expect_part("pipe", green, piped.out);
}

static void test_long_output_goes_through_a_pager(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult paged = { 0 }, not_paged = { 0 }, piped = { 0 };

        create(c, &(Create){ .id = "a1" });
        paged = ctl_on_terminal(
                80, NULL, NULL, NULL, "SYSTEMD_PAGER='sed s/^/paged:/' agentctl list --columns=id");
        expect_part("terminal", "paged:a1", paged.out);
        not_paged = ctl_on_terminal(80, NULL, NULL, NULL,
                "SYSTEMD_PAGER='sed s/^/paged:/' agentctl list --columns=id --no-pager");
        expect_false("--no-pager is paged", strstr(not_paged.out, "paged:"));
        piped = ctl("SYSTEMD_PAGER='sed s/^/paged:/' agentctl list --columns=id");
        expect_false("a pipe is paged", strstr(piped.out, "paged:"));
}

static void test_progress_is_for_terminals(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult terminal = { 0 }, piped = { 0 };

        for (unsigned i = 0; i < 3; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i), *other = g_strdup_printf("b%u", i);

                create(c, &(Create){ .id = id, .guild = "a" });
                create(c, &(Create){ .id = other, .guild = "b" });
        }
        terminal = ctl_on_terminal(80, NULL, NULL, NULL, "agentctl stop --guild=a");
        expect_part("terminal", "[1/3] stopping", terminal.out);
        expect_part("terminal", "a2: stopped", terminal.out);
        piped = ctl("agentctl stop --guild=b 2>&1");
        expect_false("there is progress in a pipe", strstr(piped.out, "/3]"));
}

static void create_three(Client *c)
{
        for (unsigned i = 0; i < 3; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                create(c, &(Create){ .id = id });
        }
}

static void test_progress_is_shown_of_all_agents_that_stop(void)
{
        static const char *const lines[] = { "agentctl shutdown", "agentctl drain --stop" };
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult piped = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_ctl_ CtlResult terminal = { 0 };

                create_three(c);
                terminal = ctl_on_terminal(80, NULL, NULL, NULL, lines[i]);
                expect_number(lines[i], 0, terminal.code);
                expect_part(lines[i], "[0/3] stopping", terminal.out);
                expect_part(lines[i], "[2/3] stopping", terminal.out);
                expect_part(lines[i], "\r\033[K", terminal.out);
                expect_part(lines[i], "3 agents stopped", terminal.out);
        }
        g_free(ctl_expect(0, "agentctl resume"));
        create_three(c);
        piped = ctl("agentctl shutdown 2>&1");
        expect_text("pipe", "3 agents stopped\n", piped.out);
}

#define THREE                                                                                            \
        "echo '{\"id\":\"g\",\"agents\":[{\"id\":\"a0\",\"name\":\"A\"},{\"id\":\"a1\",\"name\":\"B\"}," \
        "{\"id\":\"a2\",\"name\":\"C\"}]}' >/run/agentctl-three.json; "

static void test_progress_is_shown_of_placing(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult terminal = { 0 }, piped = { 0 };

        terminal = ctl_on_terminal(80, NULL, NULL, NULL, THREE "agentctl place /run/agentctl-three.json");
        expect_number("exit status", 0, terminal.code);
        expect_part("terminal", "[0/3] placing", terminal.out);
        expect_part("terminal", "[2/3] placing", terminal.out);
        expect_part("terminal", "\r\033[Ka2: ", terminal.out);
        piped = ctl("agentctl place /run/agentctl-three.json 2>&1");
        expect_false("there is progress in a pipe", strstr(piped.out, "/3]"));
        (void)g_remove("/run/agentctl-three.json");
}

/* They end when it is seen that they are waited for: then a key is pressed. */
static void test_progress_is_shown_of_waiting(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult terminal = { 0 };

        terminal = ctl_on_terminal(80, NULL, "[0/3] waiting", "\n",
                THREE
                "stty -echo; agentctl run --here --wait --runtime=" NOTIFY
                " /run/agentctl-three.json & read key; agentctl kill --guild=g >/dev/null 2>&1; wait $!");
        expect_number("exit status", 0, terminal.code);
        expect_part("terminal", "[2/3] starting", terminal.out);
        expect_part("terminal", "[1/3] waiting", terminal.out);
        expect_part("terminal", "[2/3] waiting", terminal.out);
        expect_part("terminal", "\r\033[Ka2: ended (success)", terminal.out);
        (void)g_remove("/run/agentctl-three.json");
}

/* The installed completion, in a bash that somebody types into. */
static void test_bash_completes_what_is_typed(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_ctl_ CtlResult result = { 0 };
        g_autofree char *list = NULL;

        create(c, &(Create){ .id = "an agent:1" });
        create(c, &(Create){ .id = "another" });
        result = ctl_on_terminal(200, NULL, "ready> ", "agentctl sto\tan\\ \t\nexit\n",
                "export PROMPT_COMMAND='PS1=\"ready> \"'; exec bash --noprofile --rcfile /usr/share/bash-completion/completions/agentctl -i");
        expect_part("output", "an agent:1: stopped", result.out);
        list = agent_list(c, "");
        expect_text("agents", "another", list);
}

/* What SSH does is played: it only has to start the bridge. */
static void test_another_host_is_reached_over_ssh(void)
{
        static const char fake[] = "#!/bin/sh\n"
                                   "case $* in *unreachable*) echo 'ssh: no route' >&2; exit 255 ;; esac\n"
                                   "exec systemd-stdio-bridge\n";
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *out = NULL;

        if (g_mkdir_with_parents("/run/agentctl-ssh", 0755) < 0 ||
                !g_file_set_contents_full(
                        "/run/agentctl-ssh/ssh", fake, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL))
                fail("/run/agentctl-ssh/ssh cannot be written");
        create(c, &(Create){ .id = "a1" });
        out = ctl_expect(
                0, "PATH=/run/agentctl-ssh:$PATH agentctl -H root@there --no-legend --columns=id,state");
        expect_text("list", "a1 running\n", out);
        g_free(ctl_expect(0, "PATH=/run/agentctl-ssh:$PATH agentctl -H there stop a1"));
        ctl_expect_error(6, "Cannot connect to unreachable over SSH",
                "PATH=/run/agentctl-ssh:$PATH agentctl -H unreachable list");
        ctl_expect_error(2, "ssh there agentctl logs", "agentctl -H there logs a1");
        ctl_expect_error(2, "do not go together", "agentctl -H there --user list");
        (void)g_remove("/run/agentctl-ssh/ssh");
}

static void test_a_service_that_is_not_there_is_told_so(void)
{
        static const char *const verbs[] = { "list", "status", "show", "health", "version", "stop a1",
                "shutdown" };

        g_free(systemctl("mask --runtime --quiet agenthostd.service"));
        g_free(systemctl("stop --quiet agenthostd.socket agenthostd.service"));
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                _cleanup_ctl_ CtlResult result = ctl("agentctl %s", verbs[i]);

                expect_number(verbs[i], 6, result.code);
                expect_part(verbs[i], "agenthostd cannot be reached: ", result.err);
                expect_part(verbs[i], "systemctl start agenthostd.service", result.err);
        }
        g_free(systemctl("unmask --runtime --quiet agenthostd.service"));
        /* Whoever asks next starts it. */
        g_free(ctl_expect(0, "agentctl health"));
}

static void test_a_launcher_that_does_not_answer_is_no_health(void)
{
        _cleanup_ctl_ CtlResult health = { 0 };
        g_autofree char *status = NULL;

        agents_prepare();
        unit_write("agenthost-launcher.service",
                "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nType=exec\n");
        g_free(systemctl("restart agenthost-launcher.service"));
        ctl_expect_error(6, "systemctl status agenthost-launcher.service",
                ONE("a1") "agentctl run --runtime=" EXEC " -");
        health = ctl("agentctl health");
        expect_number("exit status", 1, health.code);
        expect_part("output", ": not healthy, 0 agents\n", health.out);
        expect_part("errors", "systemctl status agenthost-launcher.service", health.err);
        status = ctl_expect(0, "agentctl status");
        expect_part("status", "     Health: agents cannot be started", status);
}

static void test_wrong_use_is_refused_before_anything_is_done(void)
{
        ctl_expect_error(2, "There is no verb 'frob' (see: agentctl --help)", "agentctl frob");
        ctl_expect_error(2, "Unknown or ambiguous option '--frob'", "agentctl list --frob");
        ctl_expect_error(2, "--signal is not for 'list'", "agentctl list --signal=TERM");
        ctl_expect_error(2, "agentctl list takes no argument", "agentctl list a1");
        ctl_expect_error(2, "takes at least one argument", "agentctl run");
        ctl_expect_error(2, "There is no column 'x'; there are: id, ", "agentctl --columns=x");
        ctl_expect_error(6, "Cannot connect to the session bus",
                "env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS agentctl --user list");
}

static void test_output_that_cannot_be_written_is_an_error(void)
{
        _cleanup_ctl_ CtlResult brief = ctl("agentctl --version >/dev/full");
        _cleanup_ctl_ CtlResult more = ctl("agentctl --help >/dev/full"); /* than is written at once */

        expect_number("exit status", 1, brief.code);
        expect_part("errors", "Cannot write the output: No space left on device", brief.err);
        expect_number("exit status", 1, more.code);
        expect_part("errors", "Cannot write ", more.err);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/agentctl-users/" name, test_##function)
        ADD("members-of-the-group-may-act", members_of_the_group_may_act);
        ADD("others-may-look-and-not-act", others_may_look_and_not_act);
        ADD("who-is-let-by-a-rule-may-act", who_is_let_by_a_rule_may_act);
        ADD("others-are-asked-for-a-password-on-a-terminal", others_are_asked_for_a_password_on_a_terminal);
        ADD("tables-fit-the-terminal", tables_fit_the_terminal);
        ADD("colours-are-for-terminals-and-those-who-want-them",
                colours_are_for_terminals_and_those_who_want_them);
        ADD("long-output-goes-through-a-pager", long_output_goes_through_a_pager);
        ADD("progress-is-for-terminals", progress_is_for_terminals);
        ADD("progress-is-shown-of-all-agents-that-stop", progress_is_shown_of_all_agents_that_stop);
        ADD("progress-is-shown-of-placing", progress_is_shown_of_placing);
        ADD("progress-is-shown-of-waiting", progress_is_shown_of_waiting);
        ADD("bash-completes-what-is-typed", bash_completes_what_is_typed);
        ADD("another-host-is-reached-over-ssh", another_host_is_reached_over_ssh);
        ADD("a-service-that-is-not-there-is-told-so", a_service_that_is_not_there_is_told_so);
        ADD("a-launcher-that-does-not-answer-is-no-health", a_launcher_that_does_not_answer_is_no_health);
        ADD("wrong-use-is-refused-before-anything-is-done", wrong_use_is_refused_before_anything_is_done);
        ADD("output-that-cannot-be-written-is-an-error", output_that_cannot_be_written_is_an_error);
#undef ADD

        return host_tests_run();
}
