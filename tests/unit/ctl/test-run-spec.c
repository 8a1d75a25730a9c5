/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-spec.h"

#include <string.h>

#include "test-dir.h"

#define GUILD                                                                                                   \
        "{\"id\":\"g\",\"agents\":[ {\"id\":\"a\",\"n\":12345678901234567890.0} , {\"id\":\"b\\u00fc\"},{}],\n" \
        "\"properties\":{\"messaging\":{\"backend\": 1}}}"

/* The files by their names in the directory. */
static int read_specs(
        const TestDir *dir, const Options *options, const char *const *names, RunSpecs *ret, Fault *fault)
{
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

        for (; *names; names++)
                g_ptr_array_add(paths, test_dir_path(dir, *names));
        g_ptr_array_add(paths, NULL);
        return run_specs_read(options, (char *const *)paths->pdata, ret, fault);
}

#define READ(dir, options, ret, fault, ...) \
        read_specs(dir, options, (const char *const[]){ __VA_ARGS__, NULL }, ret, fault)

static const RunSpec *item(const RunSpecs *l, guint index)
{
        g_assert_cmpuint(index, <, l->items->len);
        return l->items->pdata[index];
}

static void test_all_agents_of_a_guild_are_meant(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        Options o = { 0 };

        test_dir_put(&dir, "guild.json", GUILD);
        g_assert_cmpint(READ(&dir, &o, &l, NULL, "guild.json"), ==, 0);
        g_assert_cmpuint(l.items->len, ==, 3);
        g_assert_cmpstr(item(&l, 0)->id, ==, "a");
        /* To the letter. */
        g_assert_cmpstr(item(&l, 0)->agent, ==, "{\"id\":\"a\",\"n\":12345678901234567890.0}");
        g_assert_cmpstr(item(&l, 0)->guild, ==, GUILD);
        g_assert_cmpstr(item(&l, 0)->messaging, ==, "{\"backend\": 1}");
        g_assert_cmpstr(item(&l, 1)->id, ==, "bü");
        g_assert_cmpstr(item(&l, 2)->id, ==, "");
        g_assert_cmpuint(strlen(item(&l, 0)->request_id), ==, 32);
        g_assert_cmpstr(item(&l, 0)->request_id, !=, item(&l, 1)->request_id);
}

static void test_an_agent_is_of_the_guild_that_is_given(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        g_autofree char *guild = test_dir_write(&dir, "guild.json", GUILD, -1);
        Options o = { .guild = guild };

        test_dir_put(&dir, "agent.json", "{\"id\":\"x\",\"guild_id\":\"other\"}");
        g_assert_cmpint(READ(&dir, &o, &l, NULL, "agent.json"), ==, 0);
        g_assert_cmpuint(l.items->len, ==, 1);
        g_assert_cmpstr(item(&l, 0)->guild, ==, GUILD);
        g_assert_cmpstr(item(&l, 0)->messaging, ==, "{\"backend\": 1}");
}

static void test_an_agent_may_name_its_guild_itself(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        Options o = { 0 };

        test_dir_put(&dir, "agent.json", "{\"id\":\"x\",\"guild_id\":\"o\\\"ther\"}");
        g_assert_cmpint(READ(&dir, &o, &l, NULL, "agent.json"), ==, 0);
        g_assert_cmpstr(item(&l, 0)->guild, ==, "{\"id\":\"o\\\"ther\"}");
        g_assert_cmpstr(item(&l, 0)->messaging, ==, "");
}

static void test_messaging_that_is_given_wins(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        g_autofree char *messaging = test_dir_write(&dir, "messaging.json", "{\"m\":2}", -1);
        g_autofree char *properties = test_dir_write(&dir, "properties.json", "{\"p\":3}", -1);
        Options o = { .messaging = messaging, .client_properties = properties };

        test_dir_put(&dir, "guild.json", GUILD);
        g_assert_cmpint(READ(&dir, &o, &l, NULL, "guild.json"), ==, 0);
        g_assert_cmpstr(item(&l, 1)->messaging, ==, "{\"m\":2}");
        g_assert_cmpstr(l.client_properties, ==, "{\"p\":3}");
}

static void test_several_files_are_taken_together(void)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        Options o = { 0 };

        test_dir_put(&dir, "guild.json", GUILD);
        test_dir_put(&dir, "agent.json", "{\"id\":\"x\",\"guild_id\":\"o\"}");
        g_assert_cmpint(READ(&dir, &o, &l, NULL, "guild.json", "agent.json"), ==, 0);
        g_assert_cmpuint(l.items->len, ==, 4);
        g_assert_cmpstr(item(&l, 3)->id, ==, "x");
}

static void test_real_guilds_are_read(void)
{
        char *paths[] = { (char *)TEST_DATA_DIR "/specs/guild_spec-crowd.json", NULL };
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        Options o = { 0 };

        g_assert_cmpint(run_specs_read(&o, paths, &l, NULL), ==, 0);
        g_assert_cmpuint(l.items->len, ==, 200);
}

static void expect_fault(const Options *o, const char *name, const char *text, const char *part)
{
        g_auto(TestDir) dir = test_dir_new();
        _cleanup_(run_specs_done) RunSpecs l = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (text)
                test_dir_put(&dir, name, text);
        g_assert_cmpint(READ(&dir, o, &l, &fault, name), <, 0);
        if (!strstr(fault_text(&fault), part))
                g_error("expected something with '%s', got '%s'", part, fault_text(&fault));
}

static void test_wrong_files_are_refused_with_the_place(void)
{
        Options o = { 0 };

        expect_fault(&o, "none.json", NULL, "/none.json: No such file or directory");
        expect_fault(&o, "x.json", "{\"id\": }", "/x.json: line 1 column 8: ");
        expect_fault(&o, "x.json", "{\"id\":1,\"id\":2}", "$.id: duplicate key");
        expect_fault(&o, "x.json", "[]", "/x.json: expected a JSON object");
        expect_fault(&o, "x.json", "{\"id\":\"x\"}", "which guild is the agent of? Give --guild=FILE");
        expect_fault(&o, "x.json", "{\"id\":\"g\",\"agents\":[]}", "the guild has no agents");
        expect_fault(&o, "x.json", "{\"id\":\"g\",\"agents\":[{},7]}", "$.agents[1]: expected an object");
        expect_fault(&o, "x.yaml", "id: x", "YAML is not taken");
}

static void test_a_request_id_is_for_one_agent(void)
{
        char request_id[] = "mine";
        Options o = { .request_id = request_id };

        expect_fault(&o, "g.json", GUILD, "--request-id= is for one agent, and these are 3");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/run-spec/" name, test_##function)
        ADD("all-agents-of-a-guild-are-meant", all_agents_of_a_guild_are_meant);
        ADD("an-agent-is-of-the-guild-that-is-given", an_agent_is_of_the_guild_that_is_given);
        ADD("an-agent-may-name-its-guild-itself", an_agent_may_name_its_guild_itself);
        ADD("messaging-that-is-given-wins", messaging_that_is_given_wins);
        ADD("several-files-are-taken-together", several_files_are_taken_together);
        ADD("real-guilds-are-read", real_guilds_are_read);
        ADD("wrong-files-are-refused-with-the-place", wrong_files_are_refused_with_the_place);
        ADD("a-request-id-is-for-one-agent", a_request_id_is_for_one_agent);
#undef ADD

        return g_test_run();
}
