/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "strv.h"
#include "verbs.h"

/* The words behind "agentctl", with spaces between them. */
static int parse(const char *line, Options *ret, Fault *fault, char ***ret_argv)
{
        g_autofree char *all = g_strconcat("agentctl ", line, NULL);

        g_assert_cmpint(split_words(all, ret_argv), ==, 0);
        return options_parse((int)strv_length(*ret_argv), *ret_argv, ret, fault);
}

static void expect_fault(const char *line, const char *expected)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(parse(line, &o, &fault, &argv), <, 0);
        g_assert_cmpstr(fault_text(&fault), ==, expected);
}

static void test_values_are_taken(void)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(
                parse("kill a1 --user -H root@host --json=pretty -s INT --kill-whom main --timeout=1min -p A,B "
                      "-p C --lines 5 --guild=g -E A=1,2 -E B=2 --machine-id=-3 a2",
                        &o, &fault, &argv),
                ==, 0);
        g_assert_true(o.user);
        g_assert_cmpstr(o.remote, ==, "root@host");
        g_assert_cmpint(o.json, ==, JSON_PRETTY);
        g_assert_cmpint(o.signal_number, ==, SIGINT);
        g_assert_cmpstr(o.whom, ==, "main");
        g_assert_cmpuint(o.timeout_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpuint(strv_length(o.properties), ==, 3);
        g_assert_cmpstr(o.properties[1], ==, "B");
        g_assert_cmpint(o.lines, ==, 5);
        g_assert_cmpstr(o.guild, ==, "g");
        g_assert_cmpuint(strv_length(o.environment), ==, 2);
        g_assert_cmpstr(o.environment[0], ==, "A=1,2");
        g_assert_true(o.has_machine_id);
        g_assert_cmpint(o.machine_id, ==, -3);
        g_assert_cmpuint(strv_length(o.arguments), ==, 3);
        g_assert_cmpstr(o.arguments[0], ==, "kill");
        g_assert_cmpstr(o.arguments[2], ==, "a2");
}

static void test_nothing_given_is_known_as_such(void)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;

        g_assert_cmpint(parse("", &o, NULL, &argv), ==, 0);
        g_assert_null(o.arguments[0]);
        g_assert_cmpint(o.lines, ==, -1);
        g_assert_cmpuint(o.timeout_usec, ==, 0);
        g_assert_null(o.columns);
}

static void test_ids_that_look_like_options_stand_behind_two_dashes(void)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;

        g_assert_cmpint(parse("stop -- --user -x", &o, NULL, &argv), ==, 0);
        g_assert_false(o.user);
        g_assert_cmpuint(strv_length(o.arguments), ==, 3);
        g_assert_cmpstr(o.arguments[1], ==, "--user");
}

static void test_wrong_ones_are_refused_and_why_is_said(void)
{
        expect_fault("--frob", "Unknown or ambiguous option '--frob'");
        expect_fault("--no", "Unknown or ambiguous option '--no'");
        expect_fault("-x", "There is no option '-x'");
        expect_fault("--user=1", "--user takes no value");
        expect_fault("--guild", "--guild needs a value: --guild=GUILD");
        expect_fault("-s", "--signal needs a value: --signal=SIGNAL");
        expect_fault("--json=xml", "--json must be short, pretty or off, not 'xml'");
        expect_fault("--restart=never", "--restart must be no, on-failure or always, not 'never'");
        expect_fault("--kill-whom=all,main", "--kill-whom must be main or all, not 'all,main'");
        expect_fault("--signal=NONE", "--signal must be a signal's name or number, not 'NONE'");
        expect_fault("--timeout=0", "--timeout must be a time above 0, as in 30, 1min or 500ms, not '0'");
        expect_fault(
                "--timeout=soon", "--timeout must be a time above 0, as in 30, 1min or 500ms, not 'soon'");
        expect_fault("--lines=-1", "--lines must be a number, not '-1'");
        expect_fault("--machine-id=1x", "--machine-id must be a number, not '1x'");
        expect_fault("--columns=,", "--columns must be a list with commas between its words, not ','");
}

static void test_values_that_are_not_given_come_from_the_environment(void)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;

        g_setenv("TEST_SECRET", "a=b c", true);
        g_setenv("TEST_EMPTY", "", true);
        g_unsetenv("TEST_NOWHERE");
        g_assert_cmpint(
                parse("run -E TEST_SECRET --environment=TEST_EMPTY -E TEST_SECRET=", &o, NULL, &argv), ==,
                0);
        g_assert_cmpuint(strv_length(o.environment), ==, 3);
        g_assert_cmpstr(o.environment[0], ==, "TEST_SECRET=a=b c");
        g_assert_cmpstr(o.environment[1], ==, "TEST_EMPTY=");
        g_assert_cmpstr(o.environment[2], ==, "TEST_SECRET=");
        expect_fault("run -E TEST_NOWHERE",
                "--environment: 'TEST_NOWHERE' has no value, and is not in the environment of agentctl");
        expect_fault("run --environment=",
                "--environment: '' has no value, and is not in the environment of agentctl");
}

static int check_verb(const char *line, const char *verb, Fault *fault)
{
        _cleanup_(options_done) Options o = { 0 };
        _cleanup_strv_free_ char **argv = NULL;

        g_assert_cmpint(parse(line, &o, fault, &argv), ==, 0);
        return options_check_verb((int)strv_length(argv), argv, verb, fault);
}

static void test_options_are_for_their_verbs(void)
{
        _cleanup_fault_ Fault fault = FAULT_INIT, other = FAULT_INIT;

        g_assert_cmpint(check_verb("--json=short list --guild=g", "list", &fault), ==, 0);
        g_assert_cmpint(check_verb("kill -s INT a", "kill", &fault), ==, 0);
        g_assert_cmpint(check_verb("stop -s INT a", "stop", &fault), <, 0);
        g_assert_cmpstr(fault_text(&fault), ==, "--signal is not for 'stop'");
        g_assert_cmpint(check_verb("check-config --json=short", "check-config", &other), <, 0);
        g_assert_cmpstr(fault_text(&other), ==, "--json is not for 'check-config'");
}

/* The table itself: a slip there would let an option in, or out, unseen. */
static void test_options_name_verbs_that_there_are(void)
{
        for (const OptionInfo *o = option_table; o->name; o++) {
                g_auto(GStrv) verbs = o->verbs ? g_strsplit(o->verbs, " ", -1) : g_new0(char *, 1);

                for (char **v = verbs; *v; v++)
                        if (**v && !verb_find(*v))
                                g_error("--%s is for '%s', which is no verb", o->name, *v);
                g_assert_cmpuint(strlen(o->help), >, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/options/" name, test_##function)
        ADD("values-are-taken", values_are_taken);
        ADD("nothing-given-is-known-as-such", nothing_given_is_known_as_such);
        ADD("ids-that-look-like-options-stand-behind-two-dashes",
                ids_that_look_like_options_stand_behind_two_dashes);
        ADD("wrong-ones-are-refused-and-why-is-said", wrong_ones_are_refused_and_why_is_said);
        ADD("values-that-are-not-given-come-from-the-environment",
                values_that_are_not_given_come_from_the_environment);
        ADD("options-are-for-their-verbs", options_are_for_their_verbs);
        ADD("options-name-verbs-that-there-are", options_name_verbs_that_there_are);
#undef ADD

        return g_test_run();
}
