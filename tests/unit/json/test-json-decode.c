/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "json-check.h"
#include "json-decode.h"

typedef struct Record {
        char *text;
        uint64_t number;
        int64_t signed_number;
        bool flag;
} Record;

static const JsonField fields[] = {
        { "text", JSON_TEXT, JSON_REQUIRED, offsetof(Record, text) },
        { "number", JSON_UINT64, JSON_OPTIONAL, offsetof(Record, number) },
        { "signed", JSON_INT64, JSON_OPTIONAL, offsetof(Record, signed_number) },
        { "flag", JSON_BOOL, JSON_OPTIONAL, offsetof(Record, flag) },
};

static void record_done(Record *rec)
{
        free(rec->text);
}

static int decode(const char *text, Record *rec, Fault *fault)
{
        static const JsonLimits limits = { .bytes = 4096, .depth = 8 };
        _cleanup_json_ struct json_object *o = NULL;

        g_assert_cmpint(json_parse_strict("record", text, strlen(text), &limits, &o, NULL), ==, 0);
        return json_decode("record", o, fields, ELEMENTSOF(fields), rec, fault);
}

static void assert_refused(const char *text, const char *message)
{
        _cleanup_(record_done) Record rec = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(decode(text, &rec, &fault), ==, -EINVAL);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_SPEC);
        g_assert_cmpstr(fault_text(&fault), ==, message);
}

static void test_decode_fills_every_kind(void)
{
        _cleanup_(record_done) Record rec = { 0 };

        g_assert_cmpint(decode("{\"text\":\"gr\\u00fc\xc3\x9f\",\"number\":18446744073709551615,"
                               "\"signed\":-9223372036854775808,\"flag\":true,\"unknown\":[1]}",
                                &rec, NULL),
                ==, 0);
        g_assert_cmpstr(rec.text, ==, "gr\xc3\xbc\xc3\x9f");
        g_assert_cmpuint(rec.number, ==, UINT64_MAX);
        g_assert_cmpint(rec.signed_number, ==, INT64_MIN);
        g_assert_true(rec.flag);
}

static void test_decode_leaves_what_is_missing_or_null(void)
{
        _cleanup_(record_done) Record rec = { .number = 5, .signed_number = -5, .flag = true };

        g_assert_cmpint(decode("{\"text\":\"\",\"number\":null}", &rec, NULL), ==, 0);
        g_assert_cmpstr(rec.text, ==, "");
        g_assert_cmpuint(rec.number, ==, 5);
        g_assert_cmpint(rec.signed_number, ==, -5);
        g_assert_true(rec.flag);
}

static void test_decode_replaces_a_text(void)
{
        _cleanup_(record_done) Record rec = { .text = strdup("before") };

        g_assert_cmpint(decode("{\"text\":\"after\"}", &rec, NULL), ==, 0);
        g_assert_cmpstr(rec.text, ==, "after");
}

static void test_decode_refuses_what_is_no_object(void)
{
        assert_refused("[]", "record: $: expected an object, got an array");
        assert_refused("\"a\"", "record: $: expected an object, got a string");
        assert_refused("1", "record: $: expected an object, got an integer");
        assert_refused("1.5", "record: $: expected an object, got a number with a fraction");
        assert_refused("true", "record: $: expected an object, got a boolean");
        assert_refused("null", "record: $: expected an object, got null");
}

static void test_decode_refuses_missing_keys(void)
{
        assert_refused("{}", "record: $.text: missing");
        assert_refused("{\"Text\":\"a\"}", "record: $.text: missing");
        assert_refused("{\"text\":null}", "record: $.text: expected a string, got null");
}

static void test_decode_refuses_other_types(void)
{
        assert_refused("{\"text\":1}", "record: $.text: expected a string, got an integer");
        assert_refused("{\"text\":{}}", "record: $.text: expected a string, got an object");
        assert_refused(
                "{\"text\":\"\",\"number\":\"1\"}", "record: $.number: expected an integer, got a string");
        assert_refused("{\"text\":\"\",\"number\":1.0}",
                "record: $.number: expected an integer, got a number with a fraction");
        assert_refused(
                "{\"text\":\"\",\"signed\":false}", "record: $.signed: expected an integer, got a boolean");
        assert_refused("{\"text\":\"\",\"flag\":1}", "record: $.flag: expected a boolean, got an integer");
}

static void test_decode_refuses_a_nul_in_a_text(void)
{
        assert_refused("{\"text\":\"a\\u0000b\"}", "record: $.text: must not contain a NUL");
        assert_refused("{\"text\":\"a\\uffffb\"}",
                "record: $.text: must not contain what Unicode calls a noncharacter, such as U+FFFF");
}

static void test_decode_refuses_numbers_out_of_range(void)
{
        assert_refused("{\"text\":\"\",\"number\":-1}", "record: $.number: must not be negative");
        assert_refused("{\"text\":\"\",\"signed\":9223372036854775808}", "record: $.signed: is too large");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(test) g_test_add_func("/json-decode/" #test, test)
        ADD(test_decode_fills_every_kind);
        ADD(test_decode_leaves_what_is_missing_or_null);
        ADD(test_decode_replaces_a_text);
        ADD(test_decode_refuses_what_is_no_object);
        ADD(test_decode_refuses_missing_keys);
        ADD(test_decode_refuses_other_types);
        ADD(test_decode_refuses_a_nul_in_a_text);
        ADD(test_decode_refuses_numbers_out_of_range);

        return g_test_run();
}
