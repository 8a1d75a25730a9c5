/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "spec.h"

static char *read_spec(const char *name)
{
        g_autofree char *path = g_build_filename(TEST_DATA_DIR, "specs", name, NULL);
        char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static void assert_agent_accepted(const char *text, const char *id, const char *name, const char *class_name)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (agent_spec_parse(text, &spec, &fault) < 0)
                g_error("%s", fault_text(&fault));
        g_assert_cmpstr(spec.id, ==, id);
        g_assert_cmpstr(spec.name, ==, name);
        g_assert_cmpstr(spec.class_name, ==, class_name);
}

static void assert_agent_refused(const char *text, const char *message)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(agent_spec_parse(text, &spec, &fault), ==, -EINVAL);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_SPEC);
        g_assert_cmpstr(fault_text(&fault), ==, message);
        g_assert_null(spec.id);
}

static void assert_guild_accepted(const char *text, const char *id)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *guild_id = NULL;

        if (guild_spec_parse(text, &guild_id, &fault) < 0)
                g_error("%s", fault_text(&fault));
        g_assert_cmpstr(guild_id, ==, id);
}

static void assert_guild_refused(const char *text, const char *message)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *guild_id = NULL;

        g_assert_cmpint(guild_spec_parse(text, &guild_id, &fault), ==, -EINVAL);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_SPEC);
        g_assert_cmpstr(fault_text(&fault), ==, message);
        g_assert_null(guild_id);
}

static void assert_object_refused(const char *text, const char *message)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(object_text_check("messaging_config", text, &fault), ==, -EINVAL);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_SPEC);
        g_assert_cmpstr(fault_text(&fault), ==, message);
}

/* An id as a caller may give it: json is how it stands in the text. */
static void assert_id_accepted(const char *json, const char *id)
{
        g_autofree char *agent = g_strdup_printf("{\"id\":\"%s\",\"name\":\"n\"}", json);

        assert_agent_accepted(agent, id, "n", "");
        assert_guild_accepted(agent, id);
}

static void assert_id_refused(const char *json, const char *problem)
{
        g_autofree char *text = g_strdup_printf("{\"id\":\"%s\",\"name\":\"n\"}", json);
        g_autofree char *agent_message = g_strdup_printf("agent_spec: %s", problem);
        g_autofree char *guild_message = g_strdup_printf("guild_spec: %s", problem);

        assert_agent_refused(text, agent_message);
        assert_guild_refused(text, guild_message);
}

#define BAD_ID "$.id: must be 1 to 255 bytes of UTF-8 without control characters"

static void test_spec_takes_the_agents_that_rustic_ai_writes(void)
{
#define PROBES "rustic_ai.testing.execution.integration_agents."
#define ECHO "rustic_ai.core.agents.testutils.echo_agent.EchoAgent"
        g_autofree char *echo = read_spec("agent_spec-echo.json");
        g_autofree char *generated = read_spec("agent_spec-generated-id.json");
        g_autofree char *initiator = read_spec("agent_spec-initiator.json");
        g_autofree char *responder = read_spec("agent_spec-responder.json");

        assert_agent_accepted(echo, "echo_agent", "Echo", ECHO);
        assert_agent_accepted(generated, "2C6vUi4VakVB8FDu8D4dRA", "Echo 2", ECHO);
        assert_agent_accepted(initiator, "initiator", "Initiator", PROBES "InitiatorProbeAgent");
        assert_agent_accepted(responder, "responder", "Responder", PROBES "ResponderProbeAgent");
}

static void test_spec_takes_the_guilds_that_rustic_ai_writes(void)
{
        g_autofree char *desk = read_spec("guild_spec.json");
        g_autofree char *small = read_spec("guild_spec-small.json");
        g_autofree char *crowd = read_spec("guild_spec-crowd.json");

        assert_guild_accepted(desk, "support-desk");
        assert_guild_accepted(small, "small");
        assert_guild_accepted(crowd, "crowd");
}

static void test_spec_takes_the_messaging_that_rustic_ai_writes(void)
{
        g_autofree char *memory = read_spec("messaging_config-memory.json");
        g_autofree char *redis = read_spec("messaging_config-redis.json");

        g_assert_cmpint(object_text_check("messaging_config", memory, NULL), ==, 0);
        g_assert_cmpint(object_text_check("messaging_config", redis, NULL), ==, 0);
}

static void test_spec_needs_id_and_name_only(void)
{
        assert_agent_accepted("{\"id\":\"a\",\"name\":\"b\"}", "a", "b", "");
        assert_agent_accepted("{\"class_name\":null,\"name\":\"b\",\"id\":\"a\"}", "a", "b", "");
        assert_guild_accepted("{\"id\":\"g\"}", "g");
}

static void test_spec_leaves_unknown_fields_alone(void)
{
        assert_agent_accepted(
                "{\"id\":\"a\",\"x\":{\"id\":[1,null,\"\\u0000\"]},\"name\":\"b\",\"y\":99999999999999999999999}",
                "a", "b", "");
        assert_guild_accepted("{\"agents\":[{\"id\":7},{\"id\":7}],\"id\":\"g\",\"name\":null}", "g");
}

static void test_spec_takes_every_printable_character_in_an_id(void)
{
        g_autofree char *longest = g_strnfill(255, 'a');
        GString *emojis = g_string_new(NULL);

        for (unsigned i = 0; i < 63; i++)
                g_string_append(emojis, "\xf0\x9f\xa6\x8a");
        g_string_append(emojis, "abc");

        assert_id_accepted("a/b", "a/b");
        assert_id_accepted("..", "..");
        assert_id_accepted("../../etc/passwd", "../../etc/passwd");
        assert_id_accepted("a:b", "a:b");
        assert_id_accepted("-", "-");
        assert_id_accepted("%i%%n", "%i%%n");
        assert_id_accepted("a@b", "a@b");
        assert_id_accepted(" ", " ");
        assert_id_accepted("\\\\x2d", "\\x2d");
        assert_id_accepted("\\\"", "\"");
        assert_id_accepted("\\ud83e\\udd8a", "\xf0\x9f\xa6\x8a");
        assert_id_accepted("\xf0\x9f\xa6\x8a", "\xf0\x9f\xa6\x8a");
        assert_id_accepted(longest, longest);
        assert_id_accepted(emojis->str, emojis->str);

        g_string_free(emojis, TRUE);
}

static void test_spec_refuses_an_empty_id(void)
{
        assert_id_refused("", BAD_ID);
}

static void test_spec_refuses_an_id_of_256_bytes(void)
{
        g_autofree char *id = g_strnfill(256, 'a');

        assert_id_refused(id, BAD_ID);
}

static void test_spec_refuses_newline_in_id(void)
{
        assert_id_refused("a\\nb", BAD_ID);
        assert_id_refused("a\nb", "line 1 column 9: control characters in a text must be escaped");
}

static void test_spec_refuses_nul_in_id(void)
{
        assert_id_refused("a\\u0000b", "$.id: must not contain a NUL");
        assert_id_refused("\\u0000", "$.id: must not contain a NUL");
        assert_id_refused("a\\ud83f\\udfff",
                "$.id: must not contain what Unicode calls a noncharacter, such as U+FFFF");
}

static void test_spec_refuses_control_characters_in_id(void)
{
        assert_id_refused("\\t", BAD_ID);
        assert_id_refused("\\u001b[31m", BAD_ID);
        assert_id_refused("\x7f", BAD_ID);
        assert_id_refused("\\u0085", BAD_ID);
}

static void test_spec_refuses_invalid_utf8_in_id(void)
{
        assert_id_refused("a\xff", "line 1 column 7: this text is not valid UTF-8");
        assert_id_refused("\xc0\xaf", "line 1 column 7: this text is not valid UTF-8");
        assert_id_refused("\\udc80", "line 1 column 8: half of a surrogate pair is no character");
}

static void test_spec_refuses_a_missing_id(void)
{
        assert_agent_refused("{\"name\":\"b\"}", "agent_spec: $.id: missing");
        assert_agent_refused("{\"x\":{\"id\":\"a\"},\"name\":\"b\"}", "agent_spec: $.id: missing");
        assert_guild_refused("{}", "guild_spec: $.id: missing");
        assert_guild_refused("{\"agents\":[{\"id\":\"a\"}]}", "guild_spec: $.id: missing");
}

static void test_spec_refuses_an_id_that_is_no_text(void)
{
        assert_agent_refused(
                "{\"id\":1,\"name\":\"b\"}", "agent_spec: $.id: expected a string, got an integer");
        assert_agent_refused(
                "{\"id\":{\"a\":1},\"name\":\"b\"}", "agent_spec: $.id: expected a string, got an object");
        assert_guild_refused("{\"id\":null}", "guild_spec: $.id: expected a string, got null");
        assert_guild_refused("{\"id\":[\"g\"]}", "guild_spec: $.id: expected a string, got an array");
}

static void test_spec_refuses_a_missing_or_empty_name(void)
{
        assert_agent_refused("{\"id\":\"a\"}", "agent_spec: $.name: missing");
        assert_agent_refused("{\"id\":\"a\",\"name\":\"\"}", "agent_spec: $.name: must not be empty");
        assert_agent_refused(
                "{\"id\":\"a\",\"name\":true}", "agent_spec: $.name: expected a string, got a boolean");
        assert_agent_refused(
                "{\"id\":\"a\",\"name\":\"b\\u0000\"}", "agent_spec: $.name: must not contain a NUL");
}

static void test_spec_refuses_a_class_name_that_is_no_text(void)
{
        assert_agent_refused("{\"id\":\"a\",\"name\":\"b\",\"class_name\":5}",
                "agent_spec: $.class_name: expected a string, got an integer");
}

static void test_spec_refuses_what_is_not_json(void)
{
        assert_agent_refused("", "agent_spec: line 1 column 1: expected a value, the text ends here");
        assert_agent_refused("id: a", "agent_spec: line 1 column 1: expected a value");
        assert_guild_refused("{'id':'g'}", "guild_spec: line 1 column 2: expected a key in double quotes");
        assert_object_refused("hello", "messaging_config: line 1 column 1: expected a value");
        assert_object_refused(
                " ", "messaging_config: line 1 column 2: expected a value, the text ends here");
}

static void test_spec_refuses_json_of_another_type(void)
{
        assert_agent_refused("[]", "agent_spec: $: expected an object, got an array");
        assert_agent_refused("\"a\"", "agent_spec: $: expected an object, got a string");
        assert_guild_refused("5", "guild_spec: $: expected an object, got an integer");
        assert_guild_refused("null", "guild_spec: $: expected an object, got null");
        assert_object_refused("[{}]", "messaging_config: $: expected an object, got an array");
        assert_object_refused("false", "messaging_config: $: expected an object, got a boolean");
}

static void test_spec_refuses_trailing_garbage(void)
{
        assert_agent_refused("{\"id\":\"a\",\"name\":\"b\"}}",
                "agent_spec: line 1 column 22: something follows the end of the value");
        assert_guild_refused(
                "{\"id\":\"g\"}\nx", "guild_spec: line 2 column 1: something follows the end of the value");
        assert_object_refused(
                "{}{}", "messaging_config: line 1 column 3: something follows the end of the value");
}

static void test_spec_refuses_duplicate_keys_anywhere(void)
{
        assert_agent_refused(
                "{\"id\":\"a\",\"name\":\"b\",\"id\":\"c\"}", "agent_spec: $.id: duplicate key");
        assert_guild_refused("{\"id\":\"g\",\"agents\":[{},{\"p\":{\"x\":1,\"x\":1}}]}",
                "guild_spec: $.agents[1].p.x: duplicate key");
        assert_object_refused("{\"a\":1,\"\\u0061\":2}", "messaging_config: $[\"\\u0061\"]: duplicate key");
}

static void test_spec_refuses_five_mebibytes(void)
{
        g_autofree char *filler = g_strnfill(5UL * 1024 * 1024, 'x');
        g_autofree char *agent = g_strdup_printf("{\"id\":\"a\",\"name\":\"b\",\"x\":\"%s\"}", filler);
        g_autofree char *agent_message =
                g_strdup_printf("agent_spec: %zu bytes, at most 4194304 are allowed", strlen(agent));
        g_autofree char *guild_message =
                g_strdup_printf("guild_spec: %zu bytes, at most 4194304 are allowed", strlen(agent));

        assert_agent_refused(agent, agent_message);
        assert_guild_refused(agent, guild_message);
}

static void test_spec_takes_four_mebibytes(void)
{
        static const char frame[] = "{\"id\":\"a\",\"name\":\"b\",\"x\":\"\"}";
        g_autofree char *filler = g_strnfill(SPEC_TEXT_MAX - strlen(frame), 'x');
        g_autofree char *agent = g_strdup_printf("{\"id\":\"a\",\"name\":\"b\",\"x\":\"%s\"}", filler);

        assert_agent_accepted(agent, "a", "b", "");
        assert_guild_accepted(agent, "a");
}

static void test_spec_refuses_more_than_64_levels(void)
{
        g_autofree char *open = g_strnfill(SPEC_DEPTH_MAX, '['), *close = g_strnfill(SPEC_DEPTH_MAX, ']');
        g_autofree char *deep = g_strdup_printf("{\"x\":%s%s}", open, close);
        g_autofree char *fits = g_strdup_printf("{\"x\":%s%s}", open + 1, close + 1);

        g_assert_cmpint(object_text_check("messaging_config", fits, NULL), ==, 0);
        assert_object_refused(deep, "messaging_config: line 1 column 69: nested too deeply");
}

static void test_spec_takes_no_messaging_config_for_an_empty_one(void)
{
        g_assert_cmpint(object_text_check("messaging_config", "", NULL), ==, 0);
        g_assert_cmpint(object_text_check("messaging_config", "{}", NULL), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(test) g_test_add_func("/spec/" #test, test)
        ADD(test_spec_takes_the_agents_that_rustic_ai_writes);
        ADD(test_spec_takes_the_guilds_that_rustic_ai_writes);
        ADD(test_spec_takes_the_messaging_that_rustic_ai_writes);
        ADD(test_spec_needs_id_and_name_only);
        ADD(test_spec_leaves_unknown_fields_alone);
        ADD(test_spec_takes_every_printable_character_in_an_id);
        ADD(test_spec_refuses_an_empty_id);
        ADD(test_spec_refuses_an_id_of_256_bytes);
        ADD(test_spec_refuses_newline_in_id);
        ADD(test_spec_refuses_nul_in_id);
        ADD(test_spec_refuses_control_characters_in_id);
        ADD(test_spec_refuses_invalid_utf8_in_id);
        ADD(test_spec_refuses_a_missing_id);
        ADD(test_spec_refuses_an_id_that_is_no_text);
        ADD(test_spec_refuses_a_missing_or_empty_name);
        ADD(test_spec_refuses_a_class_name_that_is_no_text);
        ADD(test_spec_refuses_what_is_not_json);
        ADD(test_spec_refuses_json_of_another_type);
        ADD(test_spec_refuses_trailing_garbage);
        ADD(test_spec_refuses_duplicate_keys_anywhere);
        ADD(test_spec_refuses_five_mebibytes);
        ADD(test_spec_takes_four_mebibytes);
        ADD(test_spec_refuses_more_than_64_levels);
        ADD(test_spec_takes_no_messaging_config_for_an_empty_one);

        return g_test_run();
}
