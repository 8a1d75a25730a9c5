/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "wire.h"

/* --- requests --- */

static PeerCreate make_create(void)
{
        return (PeerCreate){
                .agent_spec = strdup("{\"id\": \"a\",\n \"n\": 1.0e400}"),
                .guild_spec = strdup("{\"id\": \"g\", \"name\": \"Zo\xc3\xab \\u0001\"}"),
                .messaging_config = strdup("{ }"),
                .machine_id = -7,
                .client_type = strdup("MessageTrackingClient"),
                .client_properties = strdup("{\"a\":\"/\"}"),
                .wait_ready = true,
                .request_id = strdup("r-1"),
                .runtime = strdup("rustic"),
                .restart = strdup("always"),
                .timeout_usec = UINT64_C(5000000000),
                .environment = g_strdupv((char *[]){ (char *)"A=1", (char *)"B=", NULL }),
                .unit_properties = g_variant_ref_sink(g_variant_new_parsed(
                        "[('MemoryMax', <uint64 18446744073709551615>), ('AllowedCPUs', <[byte 0x01, 0xff]>), "
                        "('IOReadBandwidthMax', <[('/dev/null', uint64 1)]>), ('CPUWeight', <uint64 3>)]")),
                .takeover = true,
                .reschedule = true,
        };
}

static void test_create_arrives_as_it_was_sent(void)
{
        _cleanup_peer_create_ PeerCreate sent = make_create(), got = { 0 };
        g_autoptr(GBytes) text = wire_write_create(&sent);
        gsize size;
        const char *data = g_bytes_get_data(text, &size);

        g_assert_cmpint(wire_read_create(data, size, &got, NULL), >=, 0);
        g_assert_cmpstr(got.agent_spec, ==, sent.agent_spec);
        g_assert_cmpstr(got.guild_spec, ==, sent.guild_spec);
        g_assert_cmpstr(got.messaging_config, ==, sent.messaging_config);
        g_assert_cmpint(got.machine_id, ==, -7);
        g_assert_cmpstr(got.client_type, ==, sent.client_type);
        g_assert_cmpstr(got.client_properties, ==, sent.client_properties);
        g_assert_true(got.wait_ready && got.takeover && got.reschedule);
        g_assert_cmpstr(got.request_id, ==, "r-1");
        g_assert_cmpstr(got.runtime, ==, "rustic");
        g_assert_cmpstr(got.restart, ==, "always");
        g_assert_cmpuint(got.timeout_usec, ==, sent.timeout_usec);
        g_assert_true(
                g_strv_equal((const char *const *)got.environment, (const char *const *)sent.environment));
        g_assert_true(g_variant_equal(got.unit_properties, sent.unit_properties));
}

#define LEAST "\"agent_spec\":\"{}\",\"guild_spec\":\"{}\""

static void test_what_is_not_given_is_empty(void)
{
        static const char text[] = "{" LEAST ",\"options\":{},\"client_type\":null}";
        _cleanup_peer_create_ PeerCreate c = { 0 };

        g_assert_cmpint(wire_read_create(text, strlen(text), &c, NULL), >=, 0);
        g_assert_cmpstr(c.messaging_config, ==, "");
        g_assert_cmpstr(c.client_properties, ==, "");
        g_assert_null(c.client_type);
        g_assert_null(c.request_id);
        g_assert_null(c.environment);
        g_assert_null(c.unit_properties);
        g_assert_false(c.wait_ready);
}

static void test_the_least_request_is_short(void)
{
        PeerCreate c = { .agent_spec = (char *)"{}", .guild_spec = (char *)"{}" };
        g_autoptr(GBytes) text = wire_write_create(&c);

        g_assert_cmpstr(g_bytes_get_data(text, NULL), ==, "{" LEAST "}");
}

static void test_a_wrong_request_is_refused_with_its_place(void)
{
        static const struct {
                const char *text;
                const char *fault;
        } cases[] = {
                { "", "request: line 1 column 1" },
                { "{" LEAST, "request: line 1" },
                { "[]", "request: $: expected an object, got an array" },
                { "null", "request: $: expected an object" },
                { "{\"agent_spec\":\"{}\"}", "request: $.guild_spec: missing" },
                { "{\"agent_spec\":{},\"guild_spec\":\"{}\"}", "request: $.agent_spec: expected a string" },
                { "{" LEAST ",\"agent_spec\":\"{}\"}", "duplicate" },
                { "{" LEAST ",\"agents\":1}", "request: $.agents: unknown" },
                { "{\"agent_spec\":\"a\\u0000b\",\"guild_spec\":\"{}\"}", "NUL" },
                { "{" LEAST ",\"machine_id\":2147483648}", "request: $.machine_id: must have 32 bits" },
                { "{" LEAST ",\"machine_id\":1.5}", "request: $.machine_id: expected an integer" },
                { "{" LEAST ",\"options\":[]}", "request options: $: expected an object" },
                { "{" LEAST ",\"options\":{\"wat\":1}}", "request options: $.wat: unknown" },
                { "{" LEAST ",\"options\":{\"wait\":\"forever\"}}", "$.wait: must be" },
                { "{" LEAST ",\"options\":{\"wait\":1}}", "$.wait: expected a string" },
                { "{" LEAST ",\"options\":{\"timeout\":-1}}", "$.timeout: must not be negative" },
                { "{" LEAST ",\"options\":{\"takeover\":1}}", "$.takeover: expected a boolean" },
                { "{" LEAST ",\"options\":{\"environment\":\"A=1\"}}", "$.environment: expected an array" },
                { "{" LEAST ",\"options\":{\"environment\":[1]}}", "$.environment: expected strings" },
                { "{" LEAST ",\"options\":{\"unit_properties\":{}}}",
                        "$.unit_properties: expected an array" },
                { "{" LEAST ",\"options\":{\"unit_properties\":[{\"name\":\"A\"}]}}", "a name and a value" },
                { "{" LEAST ",\"options\":{\"unit_properties\":[{\"name\":\"A\",\"value\":7}]}}", "texts" },
                { "{" LEAST ",\"options\":{\"unit_properties\":[{\"name\":\"A\",\"value\":\"uint64 x\"}]}}",
                        "GVariant" },
                { "{" LEAST ",\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "request: line 1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_peer_create_ PeerCreate c = { 0 };
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_cmpint(wire_read_create(cases[i].text, strlen(cases[i].text), &c, &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                if (!strstr(fault_text(&fault), cases[i].fault))
                        g_error("%s: %s", cases[i].text, fault_text(&fault));
        }
}

static void test_a_value_of_great_depth_is_refused(void)
{
        g_autoptr(GString) text =
                g_string_new("{" LEAST ",\"options\":{\"unit_properties\":[{\"name\":\"A\",\"value\":\"");
        _cleanup_peer_create_ PeerCreate c = { 0 };

        for (unsigned i = 0; i < 20000; i++)
                g_string_append_c(text, i < 10000 ? '<' : '>');
        g_string_append(text, "\"}]}}");
        g_assert_cmpint(wire_read_create(text->str, text->len, &c, NULL), <, 0);
}

/* --- answers --- */

static void test_answers_arrive_as_they_were_sent(void)
{
        const PeerAgent agents[] = {
                { (char *)"a", (char *)"g", (char *)"A", UINT32_MAX, true, UINT64_C(1700000000000001),
                        (char *)"running", (char *)"/a" },
                { (char *)"\xf0\x9f\x90\x99/\"", (char *)"g", (char *)"", 0, false, 0, (char *)"exited",
                        (char *)"/b" },
        };
        g_autoptr(GBytes) text = wire_write_agents(agents, ELEMENTSOF(agents));
        g_autoptr(GArray) got = NULL;
        gsize size;
        const char *data = g_bytes_get_data(text, &size);

        g_assert_cmpint(wire_read_agents(data, size, &got, NULL), >=, 0);
        g_assert_cmpuint(got->len, ==, 2);
        for (guint i = 0; i < got->len; i++) {
                const PeerAgent *a = &g_array_index(got, PeerAgent, i);

                g_assert_cmpstr(a->agent_id, ==, agents[i].agent_id);
                g_assert_cmpstr(a->guild_id, ==, agents[i].guild_id);
                g_assert_cmpstr(a->name, ==, agents[i].name);
                g_assert_cmpuint(a->pid, ==, agents[i].pid);
                g_assert_true(a->is_alive == agents[i].is_alive);
                g_assert_cmpuint(a->created_usec, ==, agents[i].created_usec);
                g_assert_cmpstr(a->state, ==, agents[i].state);
                g_assert_cmpstr(a->object_path, ==, agents[i].object_path);
        }
}

static void test_members_of_newer_answers_are_ignored(void)
{
        static const char text[] = "{\"healthy\":true,\"agent_count\":2,\"hostname\":\"h\",\"mood\":[]}";
        PeerHealth health = { 0 };

        g_assert_cmpint(wire_read_health(text, strlen(text), &health, NULL), >=, 0);
        g_assert_true(health.healthy);
        g_assert_cmpuint(health.agent_count, ==, 2);
        g_assert_cmpstr(health.hostname, ==, "h");
        peer_health_done(&health);
}

static void test_garbage_is_no_answer(void)
{
        static const char *const texts[] = { "", "ok", "{}", "{\"stopped\":1}", "{\"agents\":{}}",
                "{\"agents\":[1]}", "{\"agent_id\":\"a\"}", "<html>", "\xff\xfe" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                size_t size = strlen(texts[i]);
                PeerCreated created = { 0 };
                PeerHealth health = { 0 };
                PeerAgent agent = { 0 };
                GArray *agents = NULL;
                bool stopped;

                g_assert_cmpint(wire_read_created(texts[i], size, &created, NULL), <, 0);
                g_assert_cmpint(wire_read_health(texts[i], size, &health, NULL), <, 0);
                g_assert_cmpint(wire_read_agent(texts[i], size, &agent, NULL), <, 0);
                g_assert_cmpint(wire_read_agents(texts[i], size, &agents, NULL), <, 0);
                g_assert_cmpint(wire_read_stopped(texts[i], size, &stopped, NULL), <, 0);
        }
}

static void test_problems_carry_every_kind_of_fault(void)
{
        for (FaultKind kind = FAULT_NONE + 1; kind < _FAULT_KIND_MAX; kind++) {
                unsigned status = wire_status(kind);
                g_autoptr(GBytes) text = wire_write_problem(status, kind, "It is so");
                _cleanup_fault_ Fault fault = FAULT_INIT;
                gsize size;
                const char *data = g_bytes_get_data(text, &size);

                g_assert_cmpstr(wire_status_title(status), !=, "");
                wire_read_problem(data, size, status, &fault);
                g_assert_cmpint(fault.kind, ==, kind);
                g_assert_cmpstr(fault_text(&fault), ==, "It is so");
        }
}

static void test_what_is_no_problem_is_told_with_its_status(void)
{
        static const char *const texts[] = { "", "{}", "<h1>502</h1>", "{\"detail\":1,\"error\":\"x\"}" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;

                wire_read_problem(texts[i], strlen(texts[i]), 502, &fault);
                g_assert_cmpint(fault.kind, ==, FAULT_FAILED);
                g_assert_nonnull(strstr(fault_text(&fault), "502"));
        }
}

static void test_paths_hold_any_id(void)
{
        g_autofree char *path = wire_agent_path("a/b?c#%\xc3\xab ");

        g_assert_cmpstr(path, ==, "/v1/agents/a%2Fb%3Fc%23%25%C3%AB%20");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/wire/create-arrives-as-it-was-sent", test_create_arrives_as_it_was_sent);
        g_test_add_func("/wire/what-is-not-given-is-empty", test_what_is_not_given_is_empty);
        g_test_add_func("/wire/the-least-request-is-short", test_the_least_request_is_short);
        g_test_add_func("/wire/a-wrong-request-is-refused-with-its-place",
                test_a_wrong_request_is_refused_with_its_place);
        g_test_add_func("/wire/a-value-of-great-depth-is-refused", test_a_value_of_great_depth_is_refused);
        g_test_add_func("/wire/answers-arrive-as-they-were-sent", test_answers_arrive_as_they_were_sent);
        g_test_add_func(
                "/wire/members-of-newer-answers-are-ignored", test_members_of_newer_answers_are_ignored);
        g_test_add_func("/wire/garbage-is-no-answer", test_garbage_is_no_answer);
        g_test_add_func("/wire/problems-carry-every-kind-of-fault", test_problems_carry_every_kind_of_fault);
        g_test_add_func("/wire/what-is-no-problem-is-told-with-its-status",
                test_what_is_no_problem_is_told_with_its_status);
        g_test_add_func("/wire/paths-hold-any-id", test_paths_hold_any_id);
        return g_test_run();
}
