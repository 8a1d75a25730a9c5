/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "escape.h"

#include <glib.h>
#include <string.h>

#include "test-message.h"

static char *escaped(const char *id)
{
        char *text;

        g_assert_cmpint(unit_escape(id, &text), ==, 0);
        return text;
}

static void assert_escapes_to(const char *id, const char *expected)
{
        g_autofree char *text = escaped(id);

        g_assert_cmpstr(text, ==, expected);
}

static void test_plain_bytes_stay_and_others_become_hex(void)
{
        assert_escapes_to("aZ09_.x", "aZ09_.x");
        assert_escapes_to("a-b", "a\\x2db");
        assert_escapes_to("/..", "\\x2f..");
        assert_escapes_to(".", "\\x2e");
        assert_escapes_to("..", "\\x2e.");
        assert_escapes_to("a:b %@", "a\\x3ab\\x20\\x25\\x40");
        assert_escapes_to("\xf0\x9f\x98\x80", "\\xf0\\x9f\\x98\\x80");
        assert_escapes_to("a\\x2db", "a\\x5cx2db");
}

/* Pairs that an escaping which merges, drops or folds something would give one name. */
static void test_different_ids_never_share_a_name(void)
{
        static const char *const ids[] = { "a-b", "a\\x2db", "a_b", "a/b", "a.b", "ab", "a b", "a%2db",
                "a:b", "A-B", "a\\b", "a\\\\b", ".a", "\\x2ea", "\\.a", "..", "a--b", "a-", "-a", "x2d",
                "a@b", "\xc3\xa9" /* e acute */, "e\xcc\x81" /* e, combining acute */, "\\xc3\\xa9" };

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                for (size_t j = 0; j < i; j++) {
                        g_autofree char *a = escaped(ids[i]), *b = escaped(ids[j]);

                        g_assert_cmpstr(a, !=, b);
                }
}

/* Every byte, alone and in second place. */
static void test_each_byte_has_its_own_escape(void)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (int c = 1; c < 256; c++) {
                char first[] = { (char)c, 0 }, second[] = { 'k', (char)c, 0 };

                g_assert_true(g_hash_table_add(seen, escaped(first)));
                g_assert_true(g_hash_table_add(seen, escaped(second)));
        }
}

static void test_two_hundred_escaped_bytes_are_not_cut(void)
{
        g_autofree char *plain = g_strnfill(200, 'a'), *dashes = g_strnfill(50, '-');
        g_autofree char *a = escaped(plain), *b = escaped(dashes);

        g_assert_cmpstr(a, ==, plain);
        g_assert_cmpuint(strlen(b), ==, 200);
        g_assert_null(strchr(b, ':'));
}

static void test_longer_ones_are_cut_and_end_in_a_hash(void)
{
        g_autofree char *plain = g_strnfill(201, 'a'), *a = escaped(plain);

        g_assert_cmpuint(strlen(a), ==, 200);
        g_assert_true(strncmp(a, plain, 183) == 0);
        g_assert_cmpint(a[183], ==, ':');
        g_assert_cmpuint(strspn(a + 184, "0123456789abcdef"), ==, 16);
}

static void test_a_cut_never_splits_an_escape(void)
{
        for (size_t lead = 0; lead < 8; lead++) {
                g_autofree char *head = g_strnfill(lead, 'a'), *dashes = g_strnfill(100, '-');
                g_autofree char *id = g_strconcat(head, dashes, NULL), *text = escaped(id);
                const char *colon = strchr(text, ':');

                g_assert_nonnull(colon);
                g_assert_cmpuint((size_t)(colon - text - (gssize)lead) % 4, ==, 0);
                g_assert_cmpuint(strlen(text), <=, 200);
                g_assert_cmpuint(strlen(text), >, 196);
        }
}

static void test_long_ids_that_differ_at_the_end_differ_when_cut(void)
{
        g_autofree char *common = g_strnfill(254, 'a');
        g_autofree char *one = g_strconcat(common, "1", NULL), *two = g_strconcat(common, "2", NULL);
        g_autofree char *a = escaped(one), *b = escaped(two);

        g_assert_cmpstr(a, !=, b);
}

static void test_no_id_can_be_written_to_look_like_a_cut_one(void)
{
        g_autofree char *id = g_strnfill(255, 'a'), *cut = escaped(id), *again = escaped(cut);

        g_assert_cmpstr(cut, !=, again);
}

static void test_names_fit_into_a_unit(void)
{
        g_autofree char *id = g_strnfill(255, '-'), *agent = NULL, *guild = NULL;

        g_assert_cmpint(agent_unit_name(id, &agent), ==, 0);
        g_assert_cmpint(guild_slice_name(id, &guild), ==, 0);
        g_assert_true(g_str_has_prefix(agent, "agent-\\x2d"));
        g_assert_true(g_str_has_suffix(agent, ".scope"));
        g_assert_true(g_str_has_prefix(guild, "agents-\\x2d"));
        g_assert_true(g_str_has_suffix(guild, ".slice"));
        g_assert_cmpuint(strlen(guild), <=, 255);
        g_assert_true(agent_unit_is_valid(agent));
}

static void test_unit_names_of_agents_are_told_from_others(void)
{
        static const char *const good[] = { "agent-a.scope", "agent-a.b_C9.scope", "agent-\\x2d.scope",
                "agent-a:0123456789abcdef.scope", "agent-\\x2e.scope" };
        static const char *const bad[] = { "", "agent-.scope", "agent.scope", "agent-a", "agent-a.service",
                "xagent-a.scope", "agent-a/b.scope", "agent-..scope", "agent-a-b.scope", "agent-\\x2.scope",
                "agent-\\x2D.scope", "agent-\\y2d.scope", "agent-a b.scope", "agent-a:0123.scope",
                "agent-:0123456789abcdef.scope", "agent-a:0123456789abcdeg.scope", "agent-a\n.scope",
                "init.scope", "agent-a.scope ", "agent-*.scope" };

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(agent_unit_is_valid(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(agent_unit_is_valid(bad[i]));
}

static void test_ids_of_255_bytes_are_taken_and_256_refused(void)
{
        g_autofree char *longest = g_strnfill(255, 'a'), *longer = g_strnfill(256, 'a');

        g_assert_true(id_is_valid("a"));
        g_assert_true(id_is_valid(longest));
        g_assert_false(id_is_valid(longer));
        g_assert_false(id_is_valid(""));
}

static void test_odd_but_printable_ids_are_taken(void)
{
        static const char *const ids[] = { "a/b", "..", ".", "a:b", "-", "%s", "a@b", " ",
                "\xf0\x9f\x98\x80", "\xc2\xa0" /* U+00A0, the first behind C1 */, "~", "\xe2\x80\xa8" };

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                g_assert_true(id_is_valid(ids[i]));
}

static void test_control_characters_are_refused(void)
{
        static const char *const ids[] = { "a\nb", "\t", "\r", "\x01", "\x1f", "\x7f", "\xc2\x80",
                "\xc2\x85", "a\xc2\x9f" };

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                g_assert_false(id_is_valid(ids[i]));
}

static void test_utf8_is_shortest_form_without_surrogates(void)
{
        static const char *const good[] = { "", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
        static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41",
                "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe",
                "\xff", "a\xc3" };

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(utf8_is_valid(good[i], strlen(good[i])));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
                if (bad[i][0])
                        g_assert_false(id_is_valid(bad[i]));
        }
}

static void test_a_sequence_behind_the_length_is_not_read(void)
{
        g_assert_false(utf8_is_valid("\xe2\x82\xac", 2));
        g_assert_true(utf8_is_valid("a\xff", 1));
}

static void expect_as_sd_bus(uint32_t c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = test_message_new();
        char text[7] = "";

        (void)g_unichar_to_utf8(c, text);
        g_assert_true(utf8_is_valid(text, strlen(text)));
        if (utf8_is_sendable(text) != (sd_bus_message_append(m, "s", text) >= 0))
                g_error("U+%X", c);
        if (c >= 0xa0)
                g_assert_true(utf8_is_sendable(text) == id_is_valid(text));
}

/* It does not carry what Unicode calls noncharacters. */
static void test_what_can_be_sent_is_what_sd_bus_sends(void)
{
        for (uint32_t plane = 0; plane <= 0x100000; plane += 0x10000)
                for (uint32_t c = 0xfffc; c <= 0xffff; c++)
                        expect_as_sd_bus(plane | c);
        for (uint32_t c = 0xfdc8; c < 0xfdf8; c++)
                expect_as_sd_bus(c);
        for (uint32_t c = 1; c < 0x200; c++)
                expect_as_sd_bus(c);
        g_assert_false(utf8_is_sendable("a\xff"));
        g_assert_false(utf8_is_sendable("\xef\xbf\xbf"));
}

static void test_what_cannot_be_sent_becomes_question_marks(void)
{
        static const char *const cases[][2] = {
                { "", "" },
                { "a\xc3\xa9\xf0\x9f\x98\x80", "a\xc3\xa9\xf0\x9f\x98\x80" },
                { "cut \xc3", "cut ?" },
                { "cut \xf0\x9f\x98", "cut ???" },
                { "\xff\xc3\xa9\xa9z", "?\xc3\xa9?z" },
                { "\xc3(", "?(" },
                { "\xef\xbf\xbf\xef\xbf\xbd", "???\xef\xbf\xbd" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup(cases[i][0]);

                utf8_make_sendable(text);
                g_assert_cmpstr(text, ==, cases[i][1]);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/escape/plain-and-hex", test_plain_bytes_stay_and_others_become_hex);
        g_test_add_func("/escape/injective", test_different_ids_never_share_a_name);
        g_test_add_func("/escape/each-byte", test_each_byte_has_its_own_escape);
        g_test_add_func("/escape/200-bytes", test_two_hundred_escaped_bytes_are_not_cut);
        g_test_add_func("/escape/cut", test_longer_ones_are_cut_and_end_in_a_hash);
        g_test_add_func("/escape/cut-at-whole-byte", test_a_cut_never_splits_an_escape);
        g_test_add_func("/escape/cut-differs", test_long_ids_that_differ_at_the_end_differ_when_cut);
        g_test_add_func("/escape/cut-cannot-be-forged", test_no_id_can_be_written_to_look_like_a_cut_one);
        g_test_add_func("/escape/unit-length", test_names_fit_into_a_unit);
        g_test_add_func("/escape/unit-valid", test_unit_names_of_agents_are_told_from_others);
        g_test_add_func("/id/length", test_ids_of_255_bytes_are_taken_and_256_refused);
        g_test_add_func("/id/odd", test_odd_but_printable_ids_are_taken);
        g_test_add_func("/id/control", test_control_characters_are_refused);
        g_test_add_func("/utf8/forms", test_utf8_is_shortest_form_without_surrogates);
        g_test_add_func("/utf8/length", test_a_sequence_behind_the_length_is_not_read);
        g_test_add_func("/utf8/sendable", test_what_can_be_sent_is_what_sd_bus_sends);
        g_test_add_func("/utf8/make-sendable", test_what_cannot_be_sent_becomes_question_marks);
        return g_test_run();
}
