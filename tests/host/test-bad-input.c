/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a caller may get wrong: texts, ids, options, and calls that cross each other. Each is refused with
 * its error, and nothing is left of it. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define SPEC_BYTES_MAX (4u * 1024 * 1024)

#define AGENT "{\"id\":\"a1\",\"name\":\"n\"}"
#define GUILD "{\"id\":\"g\"}"

#define ROBOT "\xf0\x9f\xa4\x96"

static char *repeat(const char *text, unsigned times)
{
        GString *s = g_string_new(NULL);

        while (times-- > 0)
                g_string_append(s, text);
        return g_string_free(s, false);
}

static void expect_no_agent(Client *c)
{
        g_autofree char *list = agent_list(c, "");

        expect_text("ListAgents", "", list);
        expect_number("processes", 0, agent_process_count());
}

typedef struct BadText {
        const char *text;
        const char *part; /* of the error's text */
} BadText;

static const BadText bad_texts[] = {
        { "", "agent_spec: line 1 column 1: expected a value, the text ends here" },
        { "no JSON", "agent_spec: line 1 column 1: expected a value" },
        { "{\"id\":\"a1\",\n \"name\" \"n\"}", "agent_spec: line 2 column 9: expected ':'" },
        { "{'id':'a1','name':'n'}", "agent_spec: line 1 column 2: expected a key" },
        { "{\"id\":\"a1\",\"name\":\"n\",}", "agent_spec: line 1 column 23: expected a key" },
        { "{\"id\":\"a1\",\"name\":\"n\"", "agent_spec: line 1 column 22: expected ',' or '}'" },
        { "{\"id\":\"a1\",\"name\":NaN}", "agent_spec: line 1 column 19: expected a value" },
        { AGENT "x", "agent_spec: line 1 column 23: something follows" },
        { AGENT " " AGENT, "agent_spec: line 1 column 24: something follows" },
        { "null", "agent_spec: $: expected an object, got null" },
        { "true", "agent_spec: $: expected an object, got a boolean" },
        { "42", "agent_spec: $: expected an object, got an integer" },
        { "\"a1\"", "agent_spec: $: expected an object, got a string" },
        { "[" AGENT "]", "agent_spec: $: expected an object, got an array" },
        { "{}", "agent_spec: $.id: missing" },
        { "{\"id\":\"a1\"}", "agent_spec: $.name: missing" },
        { "{\"name\":\"n\"}", "agent_spec: $.id: missing" },
        { "{\"id\":null,\"name\":\"n\"}", "agent_spec: $.id: expected a string, got null" },
        { "{\"id\":42,\"name\":\"n\"}", "agent_spec: $.id: expected a string, got an integer" },
        { "{\"id\":[\"a1\"],\"name\":\"n\"}", "agent_spec: $.id: expected a string, got an array" },
        { "{\"id\":\"a1\",\"name\":{}}", "agent_spec: $.name: expected a string, got an object" },
        { "{\"id\":\"a1\",\"name\":\"\"}", "agent_spec: $.name: must not be empty" },
        { "{\"id\":\"a1\",\"name\":\"n\",\"class_name\":1}", "agent_spec: $.class_name: expected a string" },
        { "{\"id\":\"a1\",\"id\":\"a2\",\"name\":\"n\"}", "agent_spec: $.id: duplicate key" },
        { "{\"id\":\"a1\",\"name\":\"n\",\"x\":[{\"y\":1,\"y\":2}]}",
                "agent_spec: $.x[0].y: duplicate key" },
        { "{\"id\":\"\",\"name\":\"n\"}", "agent_spec: $.id: must be 1 to 255 bytes" },
        { "{\"id\":\"a\\n1\",\"name\":\"n\"}", "agent_spec: $.id: must be 1 to 255 bytes" },
        { "{\"id\":\"a\\u007f\",\"name\":\"n\"}", "agent_spec: $.id: must be 1 to 255 bytes" },
        { "{\"id\":\"a\\u0085\",\"name\":\"n\"}", "agent_spec: $.id: must be 1 to 255 bytes" },
        { "{\"id\":\"a\\u00001\",\"name\":\"n\"}", "agent_spec: $.id: must not contain a NUL" },
        { "{\"id\":\"a\\ud800\",\"name\":\"n\"}", "agent_spec: line 1 column 9: half of a surrogate pair" },
        { "{\"id\":\"a\n1\",\"name\":\"n\"}", "agent_spec: line 1 column " },
};

static void test_bad_agent_spec_is_refused(void)
{
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(bad_texts); i++)
                create_expect_error(c, &(Create){ .agent_spec = bad_texts[i].text }, ERROR_("InvalidSpec"),
                        bad_texts[i].part);
        expect_no_agent(c);
}

static void test_other_bad_texts_are_named(void)
{
        static const struct {
                Create create;
                const char *part;
        } cases[] = {
                { { .guild_spec = "" }, "guild_spec: line 1 column 1: " },
                { { .guild_spec = "[]" }, "guild_spec: $: expected an object" },
                { { .guild_spec = "{\"name\":\"g\"}" }, "guild_spec: $.id: missing" },
                { { .guild_spec = "{\"id\":\"g\\n\"}" }, "guild_spec: $.id: must be 1 to 255 bytes" },
                { { .messaging_config = "no JSON" }, "messaging_config: line 1 column 1: " },
                { { .messaging_config = "[]" }, "messaging_config: $: expected an object" },
                { { .client_properties = "{\"a\":1} x" }, "client_properties: line 1 column 9: " },
                { { .client_properties = "1" }, "client_properties: $: expected an object" },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Create call = cases[i].create;

                call.agent_spec = AGENT;
                create_expect_error(c, &call, ERROR_("InvalidSpec"), cases[i].part);
        }
        expect_no_agent(c);
}

static void test_deep_nesting_is_refused(void)
{
        enum { LEVELS = 100000 };
        _cleanup_client_ Client *c = agents_begin();
        g_autoptr(GString) text = g_string_new("{\"id\":\"a1\",\"name\":\"n\",\"x\":");

        for (unsigned i = 0; i < LEVELS; i++)
                g_string_append_c(text, '[');
        create_expect_error(
                c, &(Create){ .agent_spec = text->str }, ERROR_("InvalidSpec"), "nested too deeply");
        expect_no_agent(c);
}

/* A spec of so many bytes. */
static char *big_spec(size_t size)
{
        static const char head[] = "{\"id\":\"a1\",\"name\":\"n\",\"properties\":\"", tail[] = "\"}";
        g_autofree char *filler = g_strnfill(size - strlen(head) - strlen(tail), 'x');

        return g_strconcat(head, filler, tail, NULL);
}

static void test_texts_have_at_most_4_mib(void)
{
        g_autofree char *five_mib = big_spec(5 * 1024 * 1024), *one_more = big_spec(SPEC_BYTES_MAX + 1);
        g_autofree char *most = big_spec(SPEC_BYTES_MAX), *file = NULL, *unit = agent_unit("a1"),
                        *path = NULL;
        _cleanup_client_ Client *c = agents_begin();

        create_expect_error(c, &(Create){ .agent_spec = five_mib }, ERROR_("InvalidSpec"),
                "agent_spec: 5242880 bytes, at most 4194304 are allowed");
        create_expect_error(c, &(Create){ .agent_spec = one_more }, ERROR_("InvalidSpec"),
                "agent_spec: 4194305 bytes, at most 4194304 are allowed");
        expect_no_agent(c);

        create(c, &(Create){ .agent_spec = most });
        path = g_strdup_printf(CREDENTIALS_DIR "/%s/agent_spec", unit);
        if (!g_file_get_contents(path, &file, NULL, NULL))
                fail("%s: expected the agent's spec, it cannot be read", path);
        expect_true("the agent has its spec", strcmp(file, most) == 0);
}

static void test_id_of_256_bytes_is_refused(void)
{
        g_autofree char *id = repeat("x", 256);
        _cleanup_client_ Client *c = agents_begin();

        create_expect_error(
                c, &(Create){ .id = id }, ERROR_("InvalidSpec"), "agent_spec: $.id: must be 1 to 255 bytes");
        expect_no_agent(c);
}

/* Each has its own unit, object, state and texts. */
static void expect_all_apart(Client *c, const char *const *ids)
{
        g_autoptr(GHashTable) units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        unsigned n = g_strv_length((char **)ids);

        for (const char *const *id = ids; *id; id++)
                create(c, &(Create){ .id = *id });

        for (const char *const *id = ids; *id; id++) {
                _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "GetAgentSpec", "s", *id);
                g_autofree char *expected = agent_spec_text(*id);
                const char *spec;

                must(sd_bus_message_read(answer, "s", &spec), "reading GetAgentSpec's answer");
                expect_text("spec", expected, spec);
                agent_expect(c, *id, "Id", *id);
                agent_expect(c, *id, "State", "running");
                g_hash_table_add(units, agent_property(c, *id, "Unit"));
                g_hash_table_add(paths, agent_path(*id));
        }
        expect_number("units", n, g_hash_table_size(units));
        expect_number("objects", n, g_hash_table_size(paths));
        expect_number("processes", n, agent_process_count());

        for (const char *const *id = ids; *id; id++)
                expect_true(*id, agent_stop(c, *id, 0));
        expect_no_agent(c);
}

static void test_ids_may_have_any_visible_character(void)
{
        g_autofree char *longest = repeat("x", 255), *longest_escaped = repeat("-", 255);
        g_autofree char *robots = repeat(ROBOT, 63);
        const char *const ids[] = { "a/b", "..", ".", "/", "a:b", "a-b", "-", "a%b", "%a", "%%",
                "a@b.service", "a b", " ", ROBOT, "\xc3\xa9\xe2\x82\xac", "\"quoted\"", "back\\slash", "a=b",
                "$HOME", "a.scope", "agents.slice", "agent_spec", longest, longest_escaped, robots, NULL };
        _cleanup_client_ Client *c = agents_begin();

        expect_all_apart(c, ids);
}

static void test_ids_that_escaping_could_merge_stay_apart(void)
{
        g_autofree char *long_1 = repeat("-", 255), *long_2 = repeat("-", 255), *cut = repeat("x", 200);
        g_autofree char *cut_longer = g_strconcat(cut, "x", NULL);
        const char *const ids[] = { "a-b", "a\\x2db", "a_2db", "a/b", "a_b", "a b", "a.b", "ab", "A-b",
                "A_2Db", ".a", "\\x2ea", "_2ea", "agent-a", "a.scope", long_1, long_2, cut, cut_longer,
                NULL };
        _cleanup_client_ Client *c = agents_begin();

        long_1[254] = '1';
        long_2[254] = '2';
        expect_all_apart(c, ids);
}

static void test_guilds_that_escaping_could_merge_stay_apart(void)
{
        static const char *const guilds[] = { "g-h", "g\\x2dh", "g/h", "g h", "g", ROBOT, ".." };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(guilds); i++)
                create(c, &(Create){ .id = guilds[i], .guild = guilds[i] });
        for (size_t i = 0; i < ELEMENTSOF(guilds); i++) {
                g_autofree char *list = agent_list(c, guilds[i]), *unit = agent_unit(guilds[i]);
                g_autofree char *slice = scope_property(unit, "Scope", "Slice");

                expect_text("ListAgents", guilds[i], list);
                expect_part("slice", "agents-", slice);
                /* A dash more would be another slice in between. */
                expect_text("slice from its last dash", strchr(slice, '-'), strrchr(slice, '-'));
        }
}

/* Both are on their way before either is answered. */
static void test_same_id_twice_at_once_gives_one_agent(void)
{
        _cleanup_client_ Client *c1 = agents_begin(), *c2 = client_new();

        for (unsigned i = 0; i < 20; i++) {
                Call *call1 = create_send(c1, &(Create){ .id = "a1" });
                Call *call2 = create_send(c2, &(Create){ .id = "a1" });
                _cleanup_message_ sd_bus_message *answer1 = call_answer(call1),
                                                 *answer2 = call_answer(call2);
                bool refused1 = sd_bus_message_is_method_error(answer1, ERROR_("AgentExists"));
                bool refused2 = sd_bus_message_is_method_error(answer2, ERROR_("AgentExists"));
                bool created1 = !sd_bus_message_is_method_error(answer1, NULL);
                bool created2 = !sd_bus_message_is_method_error(answer2, NULL);

                expect_true("one is created, the other refused",
                        (created1 && refused2) || (created2 && refused1));
                expect_number("processes", 1, agent_process_count());
                expect_true("StopAgent", agent_stop(c1, "a1", 0));
        }
}

/* The first CreateAgent's answer is that of the second. */
static void test_same_request_twice_at_once_gives_one_agent(void)
{
        static const Create request = { .id = "a1", .request_id = "r1" };
        _cleanup_client_ Client *c1 = agents_begin(), *c2 = client_new();
        Call *call1 = create_send(c1, &request), *call2 = create_send(c2, &request);
        _cleanup_message_ sd_bus_message *answer1 = call_success(call1), *answer2 = call_success(call2);
        uint32_t pid1, pid2;

        must(sd_bus_message_read(answer1, "suo", NULL, &pid1, NULL), "reading an answer");
        must(sd_bus_message_read(answer2, "suo", NULL, &pid2, NULL), "reading an answer");
        expect_number("pid", pid1, pid2);
        expect_number("processes", 1, agent_process_count());

        create_expect_error(c1, &(Create){ .id = "a1", .name = "Other", .request_id = "r1" }, INVALID_ARGS,
                "request_id 'r1' was used for agent a1 with other specs");
        create_expect_error(
                c1, &(Create){ .id = "a2", .request_id = "r1" }, INVALID_ARGS, "request_id 'r1'");
}

static void test_bad_options_are_refused(void)
{
        static const struct {
                const char *key, *type, *value, *part;
        } cases[] = {
                { "colour", "s", "red", "Unknown option 'colour'" },
                { "", "s", "", "Unknown option ''" },
                { "Wait", "s", "ready", "Unknown option 'Wait'" },
                { "wait", "s", "forever", "Option 'wait' must be 'launched' or 'ready', not 'forever'" },
                { "wait", "o", "/ready", "Option 'wait' must be of type 's', not 'o'" },
                { "machine_id", "s", "1", "Option 'machine_id' must be of type 'i', not 's'" },
                { "timeout", "s", "1", "Option 'timeout' must be of type 't', not 's'" },
                { "environment", "s", "A=b", "Option 'environment' must be of type 'as', not 's'" },
                { "request_id", "s", "", "Option 'request_id' must have 1 to 255 bytes, not 0" },
                { "client_type", "s", "", "Option 'client_type' must have 1 to 255 bytes, not 0" },
                { "runtime", "s", "", "Option 'runtime' must have 1 to 255 bytes, not 0" },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                call_expect_error(client_send(c, MANAGER, "CreateAgent", "sssa{sv}", AGENT, GUILD, "", 1,
                                          cases[i].key, cases[i].type, cases[i].value),
                        INVALID_ARGS, cases[i].part);
        call_expect_error(client_send(c, MANAGER, "CreateAgent", "sssa{sv}", AGENT, GUILD, "", 2, "wait",
                                  "s", "ready", "wait", "s", "ready"),
                INVALID_ARGS, "Option 'wait' is given twice");
        call_expect_error(client_send(c, MANAGER, "CreateAgent", "sssa{sv}", AGENT, GUILD, "", 1, "timeout",
                                  "t", UINT64_C(0)),
                INVALID_ARGS, "must not be 0");
        expect_no_agent(c);
}

static void test_wrong_arguments_are_refused(void)
{
        _cleanup_client_ Client *c = client_new();

        call_expect_error(
                client_send(c, MANAGER, "CreateAgent", "sss", AGENT, GUILD, ""), INVALID_ARGS, NULL);
        call_expect_error(client_send(c, MANAGER, "StopAgent", "s", "a1"), INVALID_ARGS, NULL);
        call_expect_error(client_send(c, MANAGER, "StopAgent", "si", "a1", 1), INVALID_ARGS, NULL);
        call_expect_error(client_send(c, MANAGER, "DoAnything", ""), SD_BUS_ERROR_UNKNOWN_METHOD, NULL);
        call_expect_error(client_send(c, HOST_PATH "/agent/nobody", AGENT_INTERFACE, "Stop", "u", 0),
                SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);
}

static void test_environment_is_what_the_runtime_allows(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-environment", "exec", "wait", "AllowEnvironment=MY_*");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-environment", .environment = "MY_COLOUR=red" });
        create_expect_error(c,
                &(Create){ .id = "a2", .runtime = "test-environment", .environment = "LD_PRELOAD=/tmp/x" },
                SD_BUS_ERROR_ACCESS_DENIED, "does not let callers set LD_PRELOAD");
        create_expect_error(c,
                &(Create){
                        .id = "a2", .runtime = "test-environment", .environment = "NOTIFY_SOCKET=/tmp/x" },
                SD_BUS_ERROR_ACCESS_DENIED, "NOTIFY_SOCKET is set by agenthost itself");
        create_expect_error(c,
                &(Create){ .id = "a2", .runtime = "test-environment", .environment = "MY_COLOUR" },
                INVALID_ARGS, "NAME=value");
        expect_false("a2", agent_is_known(c, "a2"));
}

static void create_and_leave(const char *id)
{
        _cleanup_client_ Client *c = client_new();
        Call *call = create_send(c, &(Create){ .id = id, .runtime = SILENT, .wait = "ready" });

        sd_bus_message_unref(client_take_signal(c, "AgentAdded", id));
        call_forget(call);
}

static void test_client_that_leaves_while_waiting_leaves_the_agent(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_and_leave("a1");
        agent_expect(c, "a1", "State", "starting");
        agent_let_be_ready(c, "a1");
        agent_wait(c, "a1", "State", "running");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/bad-input/" name, test_##function)
        ADD("bad-agent-spec-is-refused", bad_agent_spec_is_refused);
        ADD("other-bad-texts-are-named", other_bad_texts_are_named);
        ADD("deep-nesting-is-refused", deep_nesting_is_refused);
        ADD("texts-have-at-most-4-MiB", texts_have_at_most_4_mib);
        ADD("id-of-256-bytes-is-refused", id_of_256_bytes_is_refused);
        ADD("ids-may-have-any-visible-character", ids_may_have_any_visible_character);
        ADD("ids-that-escaping-could-merge-stay-apart", ids_that_escaping_could_merge_stay_apart);
        ADD("guilds-that-escaping-could-merge-stay-apart", guilds_that_escaping_could_merge_stay_apart);
        ADD("same-id-twice-at-once-gives-one-agent", same_id_twice_at_once_gives_one_agent);
        ADD("same-request-twice-at-once-gives-one-agent", same_request_twice_at_once_gives_one_agent);
        ADD("bad-options-are-refused", bad_options_are_refused);
        ADD("wrong-arguments-are-refused", wrong_arguments_are_refused);
        ADD("environment-is-what-the-runtime-allows", environment_is_what_the_runtime_allows);
        ADD("client-that-leaves-while-waiting-leaves-the-agent",
                client_that_leaves_while_waiting_leaves_the_agent);
#undef ADD

        return host_tests_run();
}
