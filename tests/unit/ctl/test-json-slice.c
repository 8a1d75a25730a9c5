/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-slice.h"

#include <glib.h>
#include <string.h>

static JsonSlice slice(const char *text)
{
        return (JsonSlice){ text, strlen(text) };
}

static void expect_member(const char *object, const char *key, const char *expected)
{
        JsonSlice found = json_slice_member(slice(object), key);
        g_autofree char *text = found.text ? g_strndup(found.text, found.size) : NULL;

        g_assert_cmpstr(text, ==, expected);
}

static void test_members_are_found_as_they_are_written(void)
{
        expect_member("{\"id\":\"a\",\"n\":12345678901234567890.10}", "n", "12345678901234567890.10");
        expect_member("{ \"a\" : { \"id\" : 1 } , \"id\" : [ 2 , {} ] }", "id", "[ 2 , {} ]");
        expect_member("\n{\"a\\\"id\":1,\"b\":\"},\\\"id\\\":2\",\"id\":null}\n", "id", "null");
        expect_member("{\"ids\":1,\"i\":2}", "id", NULL);
        expect_member("{}", "id", NULL);
        expect_member("[\"id\",1]", "id", NULL);
        expect_member("\"id\"", "id", NULL);
        g_assert_null(json_slice_member((JsonSlice){ 0 }, "id").text);
}

static void expect_items(const char *array, const char *expected)
{
        g_autoptr(GString) list = g_string_new(NULL);
        size_t position = 0;
        JsonSlice item;

        while (json_slice_next(slice(array), &position, &item))
                g_string_append_printf(list, "<%.*s>", (int)item.size, item.text);
        g_assert_cmpstr(list->str, ==, expected);
}

static void test_items_come_one_by_one(void)
{
        expect_items("[]", "");
        expect_items(" [ ] ", "");
        expect_items("[1]", "<1>");
        expect_items("[ {\"a\":[1,2]} , \"x,]\" ,true,[ ], -1.5e3 ]",
                "<{\"a\":[1,2]}><\"x,]\"><true><[ ]><-1.5e3>");
        expect_items("{\"a\":1}", "");
        expect_items("7", "");
}

static void test_types_are_told_by_their_first_sign(void)
{
        g_assert_cmpint(json_slice_type(slice("  {}")), ==, '{');
        g_assert_cmpint(json_slice_type(slice("\"x\"")), ==, '"');
        g_assert_cmpint(json_slice_type((JsonSlice){ 0 }), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/json-slice/" name, test_##function)
        ADD("members-are-found-as-they-are-written", members_are_found_as_they_are_written);
        ADD("items-come-one-by-one", items_come_one_by_one);
        ADD("types-are-told-by-their-first-sign", types_are_told_by_their_first_sign);
#undef ADD

        return g_test_run();
}
