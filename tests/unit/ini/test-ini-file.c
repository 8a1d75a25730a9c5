/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ini-file.h"

#include <sys/stat.h>

#include "test-dir.h"

/* What the handler saw: one "LINE [section] key=<value>" a line. */
static int note(const char *section, const char *key, const char *value, unsigned line, void *userdata)
{
        g_string_append_printf(userdata, "%u [%s] %s=<%s>\n", line, section, key, value);
        return g_str_equal(key, "Stop") ? -ECANCELED : 0;
}

/* Reads the text as a file; *ret_fault gets the fault's text without the file's path. */
static int read_text(const char *text, gssize length, GString *seen, char **ret_fault)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "f", text, length);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r = ini_read(path, note, seen, &fault);

        *ret_fault = NULL;
        if (fault.kind != FAULT_NONE) {
                g_assert_true(g_str_has_prefix(fault_text(&fault), path));
                *ret_fault = g_strdup(fault_text(&fault) + strlen(path));
        }
        return r;
}

static void assert_reads(const char *text, const char *expected)
{
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autofree char *fault = NULL;
        int r = read_text(text, -1, seen, &fault);

        g_assert_cmpstr(fault, ==, NULL);
        g_assert_cmpint(r, ==, 0);
        g_assert_cmpstr(seen->str, ==, expected);
}

static void assert_refuses(const char *text, gssize length, const char *expected)
{
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autofree char *fault = NULL;

        g_assert_cmpint(read_text(text, length, seen, &fault), ==, -EBADMSG);
        g_assert_cmpstr(fault, ==, expected);
}

static void test_sections_and_settings_come_with_their_lines(void)
{
        assert_reads("Early=1\n[One]\nA=b\n\n# no\n; no\n[Two-x]\nC = d e \nNo-newline=1",
                "1 [] Early=<1>\n3 [One] A=<b>\n8 [Two-x] C=<d e>\n9 [Two-x] No-newline=<1>\n");
        assert_reads("", "");
        assert_reads("\n\n", "");
        assert_reads("[Only]\n", "");
}

static void test_values_keep_what_inih_would_cut(void)
{
        assert_reads("[S]\nA=x ; not a comment\n", "2 [S] A=<x ; not a comment>\n");
        assert_reads("[S]\nA=x # neither\n", "2 [S] A=<x # neither>\n");
        assert_reads("[S]\nA=;\n", "2 [S] A=<;>\n");
        assert_reads("[S]\nA=b=c:d\n", "2 [S] A=<b=c:d>\n");
        assert_reads("[S]\nA=[x]\n", "2 [S] A=<[x]>\n");
        assert_reads("[S]\nA=\n", "2 [S] A=<>\n");
        assert_reads("[S]\nA=\"quoted\"\n", "2 [S] A=<\"quoted\">\n");
}

static void test_values_of_ten_kilobytes_are_whole(void)
{
        g_autofree char *value = g_strnfill(10240, 'v');
        g_autofree char *text = g_strdup_printf("[S]\nA=%s\nB=2\n", value);
        g_autofree char *expected = g_strdup_printf("2 [S] A=<%s>\n3 [S] B=<2>\n", value);

        assert_reads(text, expected);
}

static void test_indented_lines_are_lines_of_their_own(void)
{
        assert_reads("[S]\nA=1\n  B=2\n\tC=3\n", "2 [S] A=<1>\n3 [S] B=<2>\n4 [S] C=<3>\n");
}

static void test_a_backslash_joins_lines_and_the_first_one_counts(void)
{
        assert_reads("[S]\nA=x\\\n  y\\\n z\nB=2\n", "2 [S] A=<x y z>\n5 [S] B=<2>\n");
        assert_reads("[S]\nA=x \\\n# between\n; this too\ny\nB=2\n", "2 [S] A=<x  y>\n6 [S] B=<2>\n");
        assert_reads("[S]\nA=x\\\n\nB=2\n", "2 [S] A=<x>\n4 [S] B=<2>\n");
        assert_reads("[S]\nA=x\\", "2 [S] A=<x>\n");
        assert_reads("[S]\nA\\\n=x\n", "2 [S] A=<x>\n");
}

static void test_two_backslashes_join_nothing(void)
{
        assert_reads("[S]\nA=x\\\\\nB=2\n", "2 [S] A=<x\\\\>\n3 [S] B=<2>\n");
        assert_reads("[S]\n# a comment \\\nB=2\n", "3 [S] B=<2>\n");
}

static void test_windows_line_ends_and_a_byte_order_mark_are_taken(void)
{
        assert_reads("\xef\xbb\xbf[S]\r\nA=x\r\n", "2 [S] A=<x>\n");
}

static void test_the_same_key_comes_as_often_as_it_stands_there(void)
{
        assert_reads("[S]\nA=1\nA=2\n[S]\nA=1\n", "2 [S] A=<1>\n3 [S] A=<2>\n5 [S] A=<1>\n");
}

static void test_a_line_that_is_no_setting_is_refused_with_its_number(void)
{
        assert_refuses("[S]\nA=1\n\njunk\nB=2\n", -1, ":4: Not a setting, expected Key=value");
        assert_refuses("[S]\nA:1\n", -1, ":2: Not a setting, expected Key=value");
        assert_refuses("[S]\n=1\n", -1, ":2: Not a setting, its key may have letters and digits only");
        assert_refuses("[S]\nA B=1\n", -1, ":2: Not a setting, its key may have letters and digits only");
        assert_refuses("[S]\nA;=1\n", -1, ":2: Not a setting, its key may have letters and digits only");
        assert_refuses("[S\nA=1\n", -1, ":1: Not a section header, expected [Name]");
        assert_refuses("[]\n", -1, ":1: Not a section header, expected [Name]");
        assert_refuses("[", -1, ":1: Not a section header, expected [Name]");
        assert_refuses("A=1\n[S] # x\n", -1, ":2: Not a section header, expected [Name]");
        assert_refuses("[S ;x]\n", -1, ":1: Not a section header, expected [Name]");
}

static void test_names_that_inih_would_cut_are_refused(void)
{
        g_autofree char *name = g_strnfill(49, 'n'), *key = g_strnfill(300, 'k');
        g_autofree char *section = g_strdup_printf("[%s]\nA=1\n", name);
        g_autofree char *setting = g_strdup_printf("[S]\nA=1\n%s=1\n", key);
        g_autofree char *longest = g_strdup_printf("[%.48s]\nA=1\n", name);
        g_autofree char *expected = g_strdup_printf("2 [%.48s] A=<1>\n", name);

        assert_refuses(section, -1, ":1: The section's name is too long");
        assert_refuses(setting, -1, ":3: The key is too long");
        assert_reads(longest, expected);
}

static void test_bytes_that_are_no_text_are_refused(void)
{
        assert_refuses("[S]\nA=x\0y\n", 10, ":2: NUL bytes are not allowed");
        assert_refuses("[S]\nA=x\n\0", 9, ":3: NUL bytes are not allowed");
        assert_refuses("[S]\nA=\xff\n", -1, ":2: Not valid UTF-8");
        assert_refuses("[S]\nA=\xed\xa0\x80\n", -1, ":2: Not valid UTF-8");
        assert_refuses("[S]\nA=a\x1b[1m\n", -1, ":2: Control characters are not allowed");
        assert_reads("[S]\nA=a\tb \xc3\xa9\n", "2 [S] A=<a\tb \xc3\xa9>\n");
}

static void test_the_handlers_error_ends_the_reading(void)
{
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autofree char *fault = NULL;

        g_assert_cmpint(read_text("[S]\nStop=1\nB=2\njunk\n", -1, seen, &fault), ==, -ECANCELED);
        g_assert_cmpstr(seen->str, ==, "2 [S] Stop=<1>\n");
        g_assert_null(fault);
}

static void test_what_cannot_be_read_is_an_error(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *missing = test_dir_path(&dir, "no"), *fifo = test_dir_path(&dir, "fifo");
        g_autofree char *content = g_strnfill(1024 * 1024 + 1, '#');
        g_autofree char *big = test_dir_write(&dir, "big", content, -1);
        g_autoptr(GString) seen = g_string_new(NULL);

        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_cmpint(ini_read(missing, note, seen, NULL), ==, -ENOENT);
        g_assert_cmpint(ini_read(dir.path, note, seen, NULL), ==, -EISDIR);
        g_assert_cmpint(ini_read(fifo, note, seen, NULL), ==, -ESPIPE);
        g_assert_cmpint(ini_read(big, note, seen, NULL), ==, -EFBIG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/ini/lines", test_sections_and_settings_come_with_their_lines);
        g_test_add_func("/ini/values", test_values_keep_what_inih_would_cut);
        g_test_add_func("/ini/long-values", test_values_of_ten_kilobytes_are_whole);
        g_test_add_func("/ini/indented", test_indented_lines_are_lines_of_their_own);
        g_test_add_func("/ini/continuation", test_a_backslash_joins_lines_and_the_first_one_counts);
        g_test_add_func("/ini/backslashes", test_two_backslashes_join_nothing);
        g_test_add_func("/ini/line-ends", test_windows_line_ends_and_a_byte_order_mark_are_taken);
        g_test_add_func("/ini/repeated", test_the_same_key_comes_as_often_as_it_stands_there);
        g_test_add_func("/ini/junk", test_a_line_that_is_no_setting_is_refused_with_its_number);
        g_test_add_func("/ini/long-names", test_names_that_inih_would_cut_are_refused);
        g_test_add_func("/ini/bytes", test_bytes_that_are_no_text_are_refused);
        g_test_add_func("/ini/handler-error", test_the_handlers_error_ends_the_reading);
        g_test_add_func("/ini/unreadable", test_what_cannot_be_read_is_an_error);
        return g_test_run();
}
