/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is written about agentctl elsewhere, the completions, names the verbs and options that it has, and no
 * others. */

#include <glib.h>
#include <string.h>

#include "options.h"
#include "verbs.h"

#define DATA TEST_DATA_DIR "/../../data/"

static int compare_words(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As one text, so that a difference is seen. */
static char *sorted(GPtrArray *words)
{
        g_ptr_array_sort(words, compare_words);
        for (guint i = words->len; i-- > 1;)
                if (strcmp(words->pdata[i], words->pdata[i - 1]) == 0)
                        g_ptr_array_remove_index(words, i);
        g_ptr_array_add(words, NULL);
        return g_strjoinv(" ", (char **)words->pdata);
}

static GPtrArray *words_new(void)
{
        return g_ptr_array_new_with_free_func(g_free);
}

static char *all_verbs(void)
{
        g_autoptr(GPtrArray) words = words_new();

        for (const Verb *v = verb_table; v->name; v++)
                g_ptr_array_add(words, g_strdup(v->name));
        return sorted(words);
}

/* verb NULL: all of them. */
static char *options_of(const char *verb)
{
        g_autoptr(GPtrArray) words = words_new();
        g_autofree char *word = g_strdup_printf(" %s ", verb ? verb : "");

        for (const OptionInfo *o = option_table; o->name; o++)
                if (!verb || !o->verbs || strstr(o->verbs, word))
                        g_ptr_array_add(words, g_strdup_printf("--%s", o->name));
        return sorted(words);
}

/* What a script of a shell prints that is given these words. */
static char *run_script(const char *shell, const char *script, const char *words)
{
        g_autofree char *line = g_strdup_printf("%s -c \"$SCRIPT\" %s %s", shell, shell, words), *out = NULL;
        char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };
        g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "SCRIPT", script, true);
        int status;

        g_assert_true(g_spawn_sync(
                NULL, argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
        return steal_ptr(out);
}

/* What bash offers for the last of these words. */
static char *offer(const char *words)
{
        static const char script[] =
                ". " DATA
                "completions/agentctl.bash; COMP_WORDS=(agentctl \"$@\") COMP_CWORD=$#; _agentctl; "
                "printf '%s\\n' \"${COMPREPLY[@]}\"";
        g_autofree char *out = run_script("bash", script, words);
        g_auto(GStrv) lines = g_strsplit(g_strchomp(out), "\n", -1);
        g_autoptr(GPtrArray) offered = words_new();

        for (char **l = lines; *l; l++)
                g_ptr_array_add(offered, g_strdup(*l));
        return sorted(offered);
}

static void test_bash_knows_all_verbs(void)
{
        g_autofree char *expected = all_verbs(), *offered = offer("''");

        g_assert_cmpstr(offered, ==, expected);
}

static void test_bash_knows_the_options_of_each_verb(void)
{
        for (const Verb *v = verb_table; v->name; v++) {
                g_autofree char *expected = options_of(v->name), *words = g_strdup_printf("%s --", v->name),
                                *offered = offer(words);

                g_test_message("%s", v->name);
                g_assert_cmpstr(offered, ==, expected);
        }
}

/* The first groups of all matches in a text. */
static char *find_all(const char *text, const char *pattern)
{
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        g_autoptr(GPtrArray) words = words_new();

        g_regex_match(regex, text, 0, &match);
        for (; g_match_info_matches(match); g_match_info_next(match, NULL))
                g_ptr_array_add(words, g_match_info_fetch(match, 1));
        return sorted(words);
}

/* As the interfaces of D-Bus have them. */
static char *all_properties(void)
{
        g_autofree char *agent = NULL, *manager = NULL, *both = NULL;

        g_assert_true(g_file_get_contents(DATA "dbus/org.agenthost.Host1.Agent.xml", &agent, NULL, NULL));
        g_assert_true(
                g_file_get_contents(DATA "dbus/org.agenthost.Host1.Manager.xml", &manager, NULL, NULL));
        both = g_strconcat(agent, manager, NULL);
        return find_all(both, "<property name=\"(\\w+)\"");
}

static void test_bash_knows_the_properties(void)
{
        g_autofree char *expected = all_properties(), *offered = offer("show --property ''");

        g_assert_cmpstr(offered, ==, expected);
}

/* Without zsh's own part, which makes offers of what it is given: behind this verb ("": none yet), and as
 * properties. */
static char *zsh_is_given(const char *verb)
{
        static const char script[] = "_arguments() { print -rl -- $@ }; _values() { print -rl -- $@ }; "
                                     "words=(agentctl $@ ''); CURRENT=$#words; . " DATA
                                     "completions/_agentctl; _agentctl_properties";

        return run_script("zsh -f", script, verb);
}

static void test_zsh_knows_all_verbs(void)
{
        g_autofree char *text = NULL, *verbs = NULL, *expected = all_verbs();

        g_assert_true(g_file_get_contents(DATA "completions/_agentctl", &text, NULL, NULL));
        verbs = find_all(text, "^ +'([a-z-]+):");
        g_assert_cmpstr(verbs, ==, expected);
}

#define ZSH_OPTION "^(?:\\([^)]*\\)|\\*)?(--[a-z-]+)"

static void test_zsh_knows_the_options_of_each_verb(void)
{
        g_autofree char *given_first = zsh_is_given(""), *first = find_all(given_first, ZSH_OPTION),
                        *expected_first = options_of("list");

        g_assert_cmpstr(first, ==, expected_first);
        for (const Verb *v = verb_table; v->name; v++) {
                g_autofree char *expected = options_of(v->name), *given = zsh_is_given(v->name),
                                *options = find_all(given, ZSH_OPTION);

                g_test_message("%s", v->name);
                g_assert_cmpstr(options, ==, expected);
        }
}

/* Else the verb would be looked for in their values. */
static void test_zsh_knows_which_options_take_a_value(void)
{
        for (const OptionInfo *o = option_table; o->name; o++) {
                g_autofree char *words = g_strdup_printf("--%s list kill", o->name), *options = NULL,
                                *given = NULL;
                g_autofree char *expected = options_of(o->argument ? "kill" : "list");

                g_test_message("--%s", o->name);
                given = zsh_is_given(words);
                options = find_all(given, ZSH_OPTION);
                g_assert_cmpstr(options, ==, expected);
        }
}

static void test_zsh_knows_the_properties(void)
{
        g_autofree char *expected = all_properties(), *given = zsh_is_given("show"),
                        *properties = find_all(given, "^([A-Z]\\w+)$");

        g_assert_cmpstr(properties, ==, expected);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/texts/" name, test_##function)
        ADD("bash-knows-all-verbs", bash_knows_all_verbs);
        ADD("bash-knows-the-options-of-each-verb", bash_knows_the_options_of_each_verb);
        ADD("bash-knows-the-properties", bash_knows_the_properties);
        ADD("zsh-knows-all-verbs", zsh_knows_all_verbs);
        ADD("zsh-knows-the-options-of-each-verb", zsh_knows_the_options_of_each_verb);
        ADD("zsh-knows-which-options-take-a-value", zsh_knows_which_options_take_a_value);
        ADD("zsh-knows-the-properties", zsh_knows_the_properties);
#undef ADD

        return g_test_run();
}
