/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "strv.h"

#include <glib.h>
#include <string.h>

/* expected is NULL-terminated. */
static void assert_words(const char *text, const char *const *expected)
{
        _cleanup_strv_free_ char **words = NULL;

        g_assert_cmpint(split_words(text, &words), ==, 0);
        g_assert_cmpstrv(words, expected);
}

#define ASSERT_WORDS(text, ...) assert_words(text, (const char *const[]){ __VA_ARGS__, NULL })

static void test_words_are_split_at_white_space(void)
{
        ASSERT_WORDS("", NULL);
        ASSERT_WORDS(" \t ", NULL);
        ASSERT_WORDS("one", "one");
        ASSERT_WORDS("  /usr/bin/x\t-m  a.b ", "/usr/bin/x", "-m", "a.b");
}

static void test_quotes_hold_words_together_and_vanish(void)
{
        ASSERT_WORDS("'a b' \"c d\"", "a b", "c d");
        ASSERT_WORDS("'' \"\" x", "", "", "x");
        ASSERT_WORDS("'say \"hi\"' \"it's\"", "say \"hi\"", "it's");
        ASSERT_WORDS("--name='a b'c", "--name=a bc");
        ASSERT_WORDS("a;b $HOME *", "a;b", "$HOME", "*");
}

static void test_escapes_are_cs(void)
{
        ASSERT_WORDS("a\\sb", "a b");
        ASSERT_WORDS("\\t\\n\\\\", "\t\n\\");
        ASSERT_WORDS("\"a\\\"b\" 'c\\'d'", "a\"b", "c'd");
        ASSERT_WORDS("\\x41\\101\\u00e9\\U0001F600", "AA\xc3\xa9\xf0\x9f\x98\x80");
        ASSERT_WORDS("\\'x", "'x");
}

static void test_open_quotes_and_unknown_escapes_are_refused(void)
{
        static const char *const bad[] = { "'a", "\"a", "a 'b", "\"a\\\"", "\\", "a\\", "\\q", "\\x4",
                "\\xg1", "\\x00", "\\000", "\\400", "\\08", "\\u12", "\\u0000", "\\ud800", "\\U00110000",
                "\\uD83D" };
        char *marker[] = { NULL }, **words = marker;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(split_words(bad[i], &words), ==, -EINVAL);
        g_assert_true(words == marker);
}

static void test_lists_grow_and_are_searched(void)
{
        _cleanup_strv_free_ char **l = NULL;

        g_assert_cmpuint(strv_length(l), ==, 0);
        g_assert_false(strv_contains(l, "a"));
        g_assert_cmpint(strv_extend(&l, "a"), ==, 0);
        g_assert_cmpint(strv_consume(&l, strdup("b")), ==, 0);
        g_assert_cmpint(strv_consume(&l, NULL), ==, -ENOMEM);
        g_assert_cmpuint(strv_length(l), ==, 2);
        g_assert_true(strv_contains(l, "b"));
        g_assert_false(strv_contains(l, "B"));
}

static void test_split_drops_empty_parts(void)
{
        static const char *const expected[] = { "a", "b'", "c", NULL };
        _cleanup_strv_free_ char **parts = NULL;

        g_assert_cmpint(strv_split(" a,,b' , c ", " ,", &parts), ==, 0);
        g_assert_cmpstrv(parts, expected);
}

static const char *lookup(const char *name, size_t length, void *userdata)
{
        (void)userdata;

        if (length == 1 && name[0] == 'a')
                return "agent-1";
        if (length == 4 && strncmp(name, "spec", 4) == 0)
                return "/cred/spec";
        if (length == 5 && strncmp(name, "empty", 5) == 0)
                return "";
        return NULL;
}

static void assert_expands(const char *text, const char *expected)
{
        _cleanup_free_ char *result = NULL;

        g_assert_cmpint(expand_specifiers(text, lookup, NULL, &result), ==, 0);
        g_assert_cmpstr(result, ==, expected);
}

static void test_specifiers_are_replaced(void)
{
        assert_expands("", "");
        assert_expands("plain", "plain");
        assert_expands("%a", "agent-1");
        assert_expands("--id=%a:%{spec}.", "--id=agent-1:/cred/spec.");
        assert_expands("100%%", "100%");
        assert_expands("%%a", "%a");
        assert_expands("%%%a%a", "%agent-1agent-1");
        assert_expands("x%{empty}y", "xy");
        assert_expands("{a}", "{a}");
}

static void test_unknown_specifiers_are_refused(void)
{
        static const char *const bad[] = { "%", "a%", "%b", "%{", "%{}", "%{spec", "%{speck}", "%{b}",
                "%A" };
        char *result = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(expand_specifiers(bad[i], lookup, NULL, &result), ==, -EINVAL);
        g_assert_null(result);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/words/white-space", test_words_are_split_at_white_space);
        g_test_add_func("/words/quotes", test_quotes_hold_words_together_and_vanish);
        g_test_add_func("/words/escapes", test_escapes_are_cs);
        g_test_add_func("/words/refused", test_open_quotes_and_unknown_escapes_are_refused);
        g_test_add_func("/strv/grow", test_lists_grow_and_are_searched);
        g_test_add_func("/strv/split", test_split_drops_empty_parts);
        g_test_add_func("/specifiers/replaced", test_specifiers_are_replaced);
        g_test_add_func("/specifiers/refused", test_unknown_specifiers_are_refused);
        return g_test_run();
}
