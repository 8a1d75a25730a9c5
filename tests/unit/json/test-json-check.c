/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "json-check.h"

static const JsonLimits limits = { .bytes = 4u * 1024 * 1024, .depth = 64 };

static int parse_with(
        const JsonLimits *l, const char *text, size_t size, struct json_object **ret, Fault *fault)
{
        return json_parse_strict("text", text, size, l, ret, fault);
}

static void assert_accepted(const char *text)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r = parse_with(&limits, text, strlen(text), &o, &fault);

        if (r < 0)
                g_error("refused: %s\n%s", text, fault_text(&fault));
}

static void assert_refused_size(const char *text, size_t size, const char *message)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(parse_with(&limits, text, size, &o, &fault), ==, -EINVAL);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_SPEC);
        g_assert_cmpstr(fault_text(&fault), ==, message);
        g_assert_null(o);
}

static void assert_refused(const char *text, const char *message)
{
        assert_refused_size(text, strlen(text), message);
}

static void test_json_accepts_what_the_standard_allows(void)
{
        static const char *const texts[] = {
                "{}",
                "[]",
                " \t\r\n{ } \n",
                "null",
                "true",
                "false",
                "0",
                "-0",
                "-0.0",
                "1e5",
                "1E+5",
                "1.25e-10",
                "1e999",
                "123456789012345678901234567890",
                "-123456789012345678901234567890",
                "\"\"",
                "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
                "\"\\ud83d\\udc4b\"",
                "\"\\u0000\"",
                "\"gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x91\x8b\"",
                "\"\x7f\"",
                "{\"\":1}",
                "{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}},\"b\":{\"a\":1}}",
                "[1,2,[3,[4,{}]],\"x\",null,true]",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_accepted(texts[i]);
}

static void test_json_builds_what_the_text_says(void)
{
        static const char text[] =
                "{\"a\": [1, -2, 1.5, \"\\u00fc\\ud83d\\udc4b\", {\"b\": true}], \"c\": null}";
        _cleanup_json_ struct json_object *o = NULL;

        g_assert_cmpint(parse_with(&limits, text, strlen(text), &o, NULL), ==, 0);
        g_assert_cmpstr(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), ==,
                "{\"a\":[1,-2,1.5,\"\xc3\xbc\xf0\x9f\x91\x8b\",{\"b\":true}],\"c\":null}");
}

static void test_json_null_is_a_null_object(void)
{
        struct json_object *o = NULL;

        g_assert_cmpint(parse_with(&limits, " null", 5, &o, NULL), ==, 0);
        g_assert_null(o);
}

static void test_json_reads_no_further_than_its_size(void)
{
        _cleanup_json_ struct json_object *o = NULL;

        g_assert_cmpint(parse_with(&limits, "42345", 2, &o, NULL), ==, 0);
        g_assert_cmpint(json_object_get_int(o), ==, 42);
}

static void test_json_refuses_what_is_no_value(void)
{
        assert_refused("", "text: line 1 column 1: expected a value, the text ends here");
        assert_refused(" \n ", "text: line 2 column 2: expected a value, the text ends here");
        assert_refused("hello", "text: line 1 column 1: expected a value");
        assert_refused("NaN", "text: line 1 column 1: expected a value");
        assert_refused("[Infinity]", "text: line 1 column 2: expected a value");
        assert_refused("TRUE", "text: line 1 column 1: expected a value");
        assert_refused("True", "text: line 1 column 1: expected a value");
        assert_refused("nul", "text: line 1 column 1: expected a value");
        assert_refused("[NULL]", "text: line 1 column 2: expected a value");
        assert_refused("'a'", "text: line 1 column 1: expected a value");
        assert_refused("/* a */ {}", "text: line 1 column 1: expected a value");
        assert_refused("// a\n{}", "text: line 1 column 1: expected a value");
        assert_refused("\xef\xbb\xbf{}", "text: line 1 column 1: expected a value");
        assert_refused("\v{}", "text: line 1 column 1: expected a value");
        assert_refused("]", "text: line 1 column 1: expected a value");
}

static void test_json_refuses_what_follows_the_value(void)
{
        assert_refused("{} x", "text: line 1 column 4: something follows the end of the value");
        assert_refused("{}{}", "text: line 1 column 3: something follows the end of the value");
        assert_refused("1 2", "text: line 1 column 3: something follows the end of the value");
        assert_refused("truefalse", "text: line 1 column 5: something follows the end of the value");
        assert_refused("{} // a", "text: line 1 column 4: something follows the end of the value");
        assert_refused("{}\n}", "text: line 2 column 1: something follows the end of the value");
        assert_refused_size("{}\0", 3, "text: line 1 column 3: something follows the end of the value");
}

static void test_json_refuses_broken_objects_and_arrays(void)
{
        assert_refused("{", "text: line 1 column 2: expected a key in double quotes");
        assert_refused("{,}", "text: line 1 column 2: expected a key in double quotes");
        assert_refused("{a:1}", "text: line 1 column 2: expected a key in double quotes");
        assert_refused("{'a':1}", "text: line 1 column 2: expected a key in double quotes");
        assert_refused("{1:1}", "text: line 1 column 2: expected a key in double quotes");
        assert_refused("{\"a\":1,}", "text: line 1 column 8: expected a key in double quotes");
        assert_refused("{\"a\"}", "text: line 1 column 5: expected ':'");
        assert_refused("{\"a\" 1}", "text: line 1 column 6: expected ':'");
        assert_refused("{\"a\":}", "text: line 1 column 6: expected a value");
        assert_refused("{\"a\":1 \"b\":2}", "text: line 1 column 8: expected ',' or '}'");
        assert_refused("{\"a\":1]", "text: line 1 column 7: expected ',' or '}'");
        assert_refused("{\"a\":1", "text: line 1 column 7: expected ',' or '}'");
        assert_refused("[", "text: line 1 column 2: expected a value, the text ends here");
        assert_refused("[1,]", "text: line 1 column 4: expected a value");
        assert_refused("[,]", "text: line 1 column 2: expected a value");
        assert_refused("[1 2]", "text: line 1 column 4: expected ',' or ']'");
        assert_refused("[1}", "text: line 1 column 3: expected ',' or ']'");
        assert_refused_size("[\0]", 3, "text: line 1 column 2: expected a value");
}

static void test_json_refuses_numbers_in_other_notations(void)
{
        static const char *const numbers[] = { "01", "-01", "00", "1.", "-", "1e", "1e+", "-.5", "1.e5",
                "-x" };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                assert_refused(numbers[i], "text: line 1 column 1: not a number as JSON writes them");

        assert_refused("+1", "text: line 1 column 1: expected a value");
        assert_refused(".5", "text: line 1 column 1: expected a value");
        assert_refused("0x10", "text: line 1 column 2: something follows the end of the value");
        assert_refused("-Infinity", "text: line 1 column 1: not a number as JSON writes them");
}

static void test_json_refuses_broken_strings(void)
{
        assert_refused("\"abc", "text: line 1 column 1: this text does not end");
        assert_refused("\"abc\\", "text: line 1 column 5: no such escape in JSON");
        assert_refused("\"abc\\\"", "text: line 1 column 1: this text does not end");
        assert_refused("\"a\nb\"", "text: line 1 column 3: control characters in a text must be escaped");
        assert_refused("\"a\tb\"", "text: line 1 column 3: control characters in a text must be escaped");
        assert_refused_size(
                "\"a\0b\"", 5, "text: line 1 column 3: control characters in a text must be escaped");
        assert_refused("\"\\x41\"", "text: line 1 column 2: no such escape in JSON");
        assert_refused_size("\"\\\0\"", 4, "text: line 1 column 2: no such escape in JSON");
        assert_refused("\"\\u12G4\"", "text: line 1 column 6: expected four hexadecimal digits");
        assert_refused("\"\\u12", "text: line 1 column 6: expected four hexadecimal digits");
}

static void test_json_refuses_halves_of_surrogate_pairs(void)
{
        static const char *const texts[] = {
                "\"\\ud800\"",
                "\"\\udc00\"",
                "\"\\ud800x\"",
                "\"\\ud800\\n\"",
                "\"\\ud800\\u0041\"",
                "\"\\ud800\\ud800\"",
                "\"\\udc00\\ud800\"",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_refused(texts[i], "text: line 1 column 2: half of a surrogate pair is no character");
}

static void test_json_refuses_invalid_utf8(void)
{
        static const char *const texts[] = {
                "\"\xff\"",
                "\"\xc3\"",
                "\"\x80\"",
                "\"\xc0\x80\"", /* a NUL in two bytes */
                "\"\xe0\x80\xaf\"",
                "\"\xed\xa0\x80\"", /* a surrogate */
                "\"\xf4\x90\x80\x80\"", /* above U+10FFFF */
                "\"a\xf0\x9f\x91\"",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_refused(texts[i], "text: line 1 column 1: this text is not valid UTF-8");

        assert_refused("{\"a\xff\":1}", "text: line 1 column 2: this text is not valid UTF-8");
}

static void test_json_counts_columns_in_characters(void)
{
        assert_refused("{\n  \"gr\xc3\xbc\xc3\x9f\": x\n}", "text: line 2 column 11: expected a value");
}

static void test_json_refuses_a_key_given_twice(void)
{
        assert_refused("{\"a\":1,\"a\":1}", "text: $.a: duplicate key");
        assert_refused("{\"a\":1,\"b\":2,\"c\":3,\"b\":4,\"a\":5}", "text: $.b: duplicate key");
        assert_refused("{\"agents\":[{},[],{\"id\":1,\"name\":{\"id\":2},\"id\":3}]}",
                "text: $.agents[2].id: duplicate key");
        assert_refused("[[0,{\"\":1,\"\":2}]]", "text: $[0][1][\"\"]: duplicate key");
        assert_refused("{\"a b\":{\"c.d\":1,\"c.d\":2}}", "text: $[\"a b\"][\"c.d\"]: duplicate key");
}

static void test_json_compares_keys_by_what_they_mean(void)
{
        assert_refused("{\"a\":1,\"\\u0061\":2}", "text: $[\"\\u0061\"]: duplicate key");
        assert_refused("{\"\\u0061\":1,\"a\":2}", "text: $.a: duplicate key");
        assert_refused("{\"\\/\":1,\"/\":2}", "text: $[\"/\"]: duplicate key");
        assert_refused("{\"\\n\":1,\"\\u000A\":2}", "text: $[\"\\u000A\"]: duplicate key");
        assert_refused("{\"\xf0\x9f\x91\x8b\":1,\"\\ud83d\\udc4b\":2}",
                "text: $[\"\\ud83d\\udc4b\"]: duplicate key");
        assert_refused("{\"\\b\\f\\r\\t\\\\\\\"\":1,\"\\u0008\\u000c\\u000d\\u0009\\u005c\\u0022\":2}",
                "text: $[\"\\u0008\\u000c\\u000d\\u0009\\u005c\\u0022\"]: duplicate key");

        assert_accepted("{\"a\":1,\"A\":2,\"aa\":3,\"\":4,\"\\\\u0061\":5}");
}

static void test_json_refuses_a_nul_in_a_key(void)
{
        assert_refused(
                "{\"id\":\"a\",\"id\\u0000x\":\"b\"}", "text: $[\"id\\u0000x\"]: a key with a NUL in it");
}

static void test_json_cuts_long_keys_in_messages(void)
{
        g_autofree char *key = g_strnfill(62, 'k');
        g_autofree char *text =
                g_strdup_printf("{\"%s\xf0\x9f\x91\x8b!\":1,\"%s\xf0\x9f\x91\x8b!\":1}", key, key);
        g_autofree char *message = g_strdup_printf("text: $[\"%s...\"]: duplicate key", key);

        assert_refused(text, message);
}

static char *nested(unsigned depth, const char *open, const char *close)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < depth; i++)
                g_string_append(s, open);
        g_string_append(s, "1");
        for (unsigned i = 0; i < depth; i++)
                g_string_append(s, close);

        return g_string_free(s, FALSE);
}

static void test_json_bounds_the_depth(void)
{
        g_autofree char *arrays = nested(64, "[", "]"), *objects = nested(64, "{\"a\":", "}");
        g_autofree char *deep_arrays = nested(65, "[", "]"), *deep_objects = nested(65, "{\"a\":", "}");
        g_autofree char *bottomless = g_strnfill(1024UL * 1024, '[');

        assert_accepted(arrays);
        assert_accepted(objects);
        assert_refused(deep_arrays, "text: line 1 column 65: nested too deeply");
        assert_refused(deep_objects, "text: line 1 column 321: nested too deeply");
        assert_refused(bottomless, "text: line 1 column 65: nested too deeply");
}

static void test_json_bounds_the_size(void)
{
        static const JsonLimits small = { .bytes = 10, .depth = 4 };
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(parse_with(&small, "\"12345678\"", 10, &o, NULL), ==, 0);
        json_object_put(steal_ptr(o));
        g_assert_cmpint(parse_with(&small, "\"123456789\"", 11, &o, &fault), ==, -EINVAL);
        g_assert_cmpstr(fault_text(&fault), ==, "text: 11 bytes, at most 10 are allowed");
}

static char *many_keys(unsigned n, const char *last)
{
        GString *s = g_string_new("{");

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(s, "\"key%u\":%u,", i, i);
        g_string_append_printf(s, "\"%s\":0}", last);

        return g_string_free(s, FALSE);
}

static void test_json_takes_100000_keys_in_a_moment(void)
{
        g_autofree char *good = many_keys(100000, "last"), *bad = many_keys(100000, "key77777");
        gint64 start = g_get_monotonic_time();

        assert_accepted(good);
        assert_refused(bad, "text: $.key77777: duplicate key");

        /* Comparing each with each takes minutes; this bound holds on a loaded machine and under a
         * sanitizer. */
        g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
}

static void test_json_keeps_only_the_members_asked_for(void)
{
        static const char *const members[] = { "id", "name", NULL };
        static const JsonLimits picky = { .bytes = 1024, .depth = 8, .members = members };
        static const struct {
                const char *text;
                const char *kept;
        } cases[] = {
                { "{}", "{}" },
                { "{\"x\":{\"id\":1},\"y\":[{\"id\":2}]}", "{}" },
                { "{\"x\":1, \"id\" : \"a\\n\" ,\"z\":{}, \"name\":7}", "{\"id\":\"a\\n\",\"name\":7}" },
                { "{\"\\u0069d\":\"a\"}", "{\"id\":\"a\"}" },
                { "{\"id\":[1,2,3],\"name\":{\"id\":1}}", "{\"id\":[],\"name\":{}}" },
                { " [{\"id\":1}] ", "[]" },
                { " \"id\" ", "\"id\"" },
                { "12", "12" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_json_ struct json_object *o = NULL;

                g_assert_cmpint(parse_with(&picky, cases[i].text, strlen(cases[i].text), &o, NULL), ==, 0);
                g_assert_cmpstr(
                        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), ==, cases[i].kept);
        }
}

static void test_json_checks_what_it_does_not_keep(void)
{
        static const char *const members[] = { "id", NULL };
        static const JsonLimits picky = { .bytes = 1024, .depth = 8, .members = members };
        static const char text[] = "{\"id\":1,\"x\":[{\"a\":1,\"a\":2}]}";
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(parse_with(&picky, text, strlen(text), &o, &fault), ==, -EINVAL);
        g_assert_cmpstr(fault_text(&fault), ==, "text: $.x[0].a: duplicate key");
}

static void test_json_of_a_known_writer_is_bounded(void)
{
        static const JsonLimits small = { .bytes = 60, .depth = 3 };
        static const struct {
                const char *text;
                bool good;
        } cases[] = {
                { "{\"a\":[1]}\n", true },
                { "{\"a\":\"\xc3\xa9\xe2\x82\xac\"} \r\n\t", true },
                { "{\"a\":99999999999999999999999999}", true },
                { "{\"a\":1,\"a\":2}", true },
                { "[[[1]]]", true },
                { "[[[[1]]]]", false },
                { "{\"a\":[1]} x", false },
                { "{}{}", false },
                { "{\"a\":", false },
                { "", false },
                { "{\"a\":\"0123456789012345678901234567890123456789012345678901234\"}", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                _cleanup_json_ struct json_object *o = NULL;
                int r = json_parse_bounded("text", cases[i].text, strlen(cases[i].text), &small, &o, &fault);

                g_test_message("%s", cases[i].text);
                g_assert_true((r >= 0) == cases[i].good);
                g_assert_true((o != NULL) == cases[i].good);
                g_assert_cmpint(fault.kind, ==, cases[i].good ? FAULT_NONE : FAULT_INVALID_SPEC);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(test) g_test_add_func("/json-check/" #test, test)
        ADD(test_json_accepts_what_the_standard_allows);
        ADD(test_json_builds_what_the_text_says);
        ADD(test_json_null_is_a_null_object);
        ADD(test_json_reads_no_further_than_its_size);
        ADD(test_json_refuses_what_is_no_value);
        ADD(test_json_refuses_what_follows_the_value);
        ADD(test_json_refuses_broken_objects_and_arrays);
        ADD(test_json_refuses_numbers_in_other_notations);
        ADD(test_json_refuses_broken_strings);
        ADD(test_json_refuses_halves_of_surrogate_pairs);
        ADD(test_json_refuses_invalid_utf8);
        ADD(test_json_counts_columns_in_characters);
        ADD(test_json_refuses_a_key_given_twice);
        ADD(test_json_compares_keys_by_what_they_mean);
        ADD(test_json_refuses_a_nul_in_a_key);
        ADD(test_json_cuts_long_keys_in_messages);
        ADD(test_json_bounds_the_depth);
        ADD(test_json_bounds_the_size);
        ADD(test_json_takes_100000_keys_in_a_moment);
        ADD(test_json_keeps_only_the_members_asked_for);
        ADD(test_json_checks_what_it_does_not_keep);
        ADD(test_json_of_a_known_writer_is_bounded);

        return g_test_run();
}
