/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <string.h>

#include "test-message.h"
#include "unit-properties.h"

static int read_options(sd_bus_message *m, CreateOptions *ret, Fault *fault)
{
        test_message_seal(m);
        return create_options_read(m, ret, fault);
}

static void assert_refused(sd_bus_message *message, const char *text)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message;
        CreateOptions options = { .machine_id = 77 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(read_options(m, &options, &fault), <, 0);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        g_assert_cmpstr(fault_text(&fault), ==, text);
        g_assert_cmpint(options.machine_id, ==, 77);
}

static void test_all_options_are_read(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = test_message_new();
        _cleanup_(create_options_done) CreateOptions o = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(
                sd_bus_message_append(m, "a{sv}", 13, "host", "s", "h:1", "strategy", "s", "least-agents",
                        "takeover", "b", 1, "reschedule", "b", 1, "restart", "s", "always", "wait", "s",
                        "ready", "request_id", "s", "r-1", "machine_id", "i", -5, "client_type", "s", "T",
                        "client_properties", "s", "{}", "runtime", "s", "echo", "timeout", "t",
                        UINT64_C(1500000), "environment", "as", 2, "A=1", "B=2"),
                >=, 0);
        if (read_options(m, &o, &fault) < 0)
                g_error("%s", fault_text(&fault));

        g_assert_true(o.wait_ready);
        g_assert_cmpstr(o.request_id, ==, "r-1");
        g_assert_cmpint(o.machine_id, ==, -5);
        g_assert_cmpstr(o.client_type, ==, "T");
        g_assert_cmpstr(o.client_properties, ==, "{}");
        g_assert_cmpstr(o.runtime, ==, "echo");
        g_assert_cmpint(o.restart, ==, RESTART_ALWAYS);
        g_assert_cmpuint(o.timeout_usec, ==, 1500000);
        g_assert_cmpstr(o.environment[1], ==, "B=2");
        g_assert_true(o.takeover);
        g_assert_true(o.reschedule);
        g_assert_cmpstr(o.host, ==, "h:1");
        g_assert_true(o.has_strategy);
        g_assert_cmpint(o.strategy, ==, PLACEMENT_LEAST_AGENTS);
}

static void test_no_options_are_the_defaults(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = test_message_new();
        _cleanup_(create_options_done) CreateOptions o = { .wait_ready = true };

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 0), >=, 0);
        g_assert_cmpint(read_options(m, &o, NULL), ==, 0);
        g_assert_false(o.wait_ready);
        g_assert_null(o.request_id);
        g_assert_null(o.environment);
        g_assert_cmpuint(o.timeout_usec, ==, 0);
        g_assert_false(o.takeover);
        g_assert_false(o.reschedule);
        g_assert_false(o.has_strategy);
}

static sd_bus_message *message(const char *key, const char *type, ...)
{
        sd_bus_message *m = test_message_new();
        va_list ap;

        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", key), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', type), >=, 0);
        va_start(ap, type);
        g_assert_cmpint(sd_bus_message_appendv(m, type, ap), >=, 0);
        va_end(ap);
        for (int i = 0; i < 3; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        return m;
}

static void test_unknown_option_is_named_with_those_there_are(void)
{
        assert_refused(message("wiat", "s", "ready"),
                "Unknown option 'wiat'; there are: wait, request_id, machine_id, client_type, client_properties, "
                "runtime, restart, timeout, environment, unit_properties, takeover, reschedule, strategy, host");
}

static void test_wrong_variant_type_is_named_with_the_right_one(void)
{
        assert_refused(message("wait", "i", 1), "Option 'wait' must be of type 's', not 'i'");
        assert_refused(message("machine_id", "u", 1u), "Option 'machine_id' must be of type 'i', not 'u'");
        assert_refused(
                message("environment", "s", "A=1"), "Option 'environment' must be of type 'as', not 's'");
        assert_refused(message("unit_properties", "a{sv}", 0),
                "Option 'unit_properties' must be of type 'a(sv)', not 'a{sv}'");
        assert_refused(message("timeout", "u", 5u), "Option 'timeout' must be of type 't', not 'u'");
}

static void test_values_out_of_bounds_are_refused(void)
{
        assert_refused(message("strategy", "s", "random"),
                "Option 'strategy': there is no strategy 'random', but 'round-robin' and 'least-agents'");
        g_autofree char *longer = g_strnfill(256, 'x');

        assert_refused(
                message("wait", "s", "later"), "Option 'wait' must be 'launched' or 'ready', not 'later'");
        assert_refused(
                message("request_id", "s", ""), "Option 'request_id' must have 1 to 255 bytes, not 0");
        assert_refused(
                message("request_id", "s", longer), "Option 'request_id' must have 1 to 255 bytes, not 256");
        assert_refused(message("restart", "s", "on-success"),
                "Option 'restart' must be 'no', 'on-failure' or 'always', not 'on-success'");
        assert_refused(message("timeout", "t", UINT64_C(0)),
                "Option 'timeout' is in microseconds and must not be 0; leave it out for the runtime's "
                "StartTimeoutSec=");
}

static void test_unit_properties_are_kept_as_they_are(void)
{
        static const char expected[] =
                "[('MemoryMax', <uint64 1073741824>), ('IOReadBandwidthMax', <[('/dev/sda', uint64 5)]>),"
                " ('AllowedCPUs', <[byte 0x03]>), ('Odd', <(true, ['x'], -7)>)]";
        sd_bus_message *m = message("unit_properties", "a(sv)", 4, "MemoryMax", "t", UINT64_C(1073741824),
                "IOReadBandwidthMax", "a(st)", 1, "/dev/sda", UINT64_C(5), "AllowedCPUs", "ay", 1, 3, "Odd",
                "(basi)", 1, 1, "x", -7);
        _cleanup_(create_options_done) CreateOptions o = { 0 };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *again = test_message_new();
        g_autofree char *text = NULL, *text_again = NULL;
        GVariant *read_again;

        g_assert_cmpint(read_options(m, &o, NULL), ==, 0);
        text = unit_properties_to_text(o.unit_properties);
        g_assert_cmpstr(text, ==, expected);
        sd_bus_message_unref(m);

        g_assert_cmpint(unit_properties_append(again, o.unit_properties), >=, 0);
        test_message_seal(again);
        g_assert_cmpint(unit_properties_read(again, &read_again, NULL), ==, 0);
        text_again = unit_properties_to_text(read_again);
        g_assert_cmpstr(text_again, ==, text);
        g_variant_unref(read_again);
}

static void test_unit_properties_of_impossible_types_are_refused(void)
{
        sd_bus_message *m = message("unit_properties", "a(sv)", 1, "X", "a{ss}", 0);

        assert_refused(m, "unit_properties: X is of type 'a{ss}', which no property of a unit has");
        m = message("unit_properties", "a(sv)", 1, "X", "v", "s", "y");
        assert_refused(m, "unit_properties: X is of type 'v', which no property of a unit has");
        m = message("unit_properties", "a(sv)", 1, "X", "o", "/");
        assert_refused(m, "unit_properties: X is of type 'o', which no property of a unit has");
        m = message("unit_properties", "a(sv)", 1, "X", "av", 0);
        assert_refused(m, "unit_properties: X is of type 'av', which no property of a unit has");
        m = message("unit_properties", "a(sv)", 1, "X", "a(so)", 0);
        assert_refused(m, "unit_properties: X is of type 'a(so)', which no property of a unit has");
}

static void test_too_many_unit_properties_are_refused(void)
{
        sd_bus_message *m = test_message_new();

        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "unit_properties"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', "a(sv)"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sv)"), >=, 0);
        for (int i = 0; i < 65; i++)
                g_assert_cmpint(sd_bus_message_append(m, "(sv)", "X", "b", 1), >=, 0);
        for (int i = 0; i < 4; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        assert_refused(m, "unit_properties: more than 64 properties");
}

static void test_option_given_twice_is_refused(void)
{
        sd_bus_message *m = test_message_new();

        g_assert_cmpint(
                sd_bus_message_append(m, "a{sv}", 2, "runtime", "s", "a", "runtime", "s", "b"), >=, 0);
        assert_refused(m, "Option 'runtime' is given twice");
}

static PeerCreate all_that_peers_ask(void)
{
        PeerCreate create = {
                .agent_spec = g_strdup("{}"),
                .machine_id = -5,
                .client_type = g_strdup("T"),
                .client_properties = g_strdup("{}"),
                .wait_ready = true,
                .request_id = g_strdup("r-1"),
                .runtime = g_strdup("echo"),
                .restart = g_strdup("always"),
                .timeout_usec = 1500000,
                .environment = g_new0(char *, 2),
                .unit_properties = g_variant_ref_sink(
                        g_variant_new_parsed("[('MemoryMax', <uint64 1073741824>), ('A', <[(1, 'x')]>)]")),
                .takeover = true,
                .reschedule = true,
        };

        create.environment[0] = g_strdup("A=1");
        return create;
}

static void test_options_come_from_a_peer_and_go_to_one(void)
{
        _cleanup_peer_create_ PeerCreate create = all_that_peers_ask(), back = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        CreateOptions o;

        if (create_options_from_peer(&create, &o, &fault) < 0)
                g_error("%s", fault_text(&fault));
        g_assert_true(o.wait_ready);
        g_assert_cmpstr(o.request_id, ==, "r-1");
        g_assert_cmpint(o.machine_id, ==, -5);
        g_assert_cmpstr(o.client_type, ==, "T");
        g_assert_cmpstr(o.client_properties, ==, "{}");
        g_assert_cmpstr(o.runtime, ==, "echo");
        g_assert_cmpint(o.restart, ==, RESTART_ALWAYS);
        g_assert_cmpuint(o.timeout_usec, ==, 1500000);
        g_assert_cmpstr(o.environment[0], ==, "A=1");
        g_assert_nonnull(o.unit_properties);
        g_assert_true(o.takeover);
        g_assert_true(o.reschedule);

        /* As if they were its own. */
        create_options_to_peer(&o, &back);
        g_free(create.agent_spec);
        g_free(create.restart);
        create = (PeerCreate){ 0 };
        g_assert_null(o.request_id);
        g_assert_true(back.wait_ready);
        g_assert_cmpstr(back.request_id, ==, "r-1");
        g_assert_cmpint(back.machine_id, ==, -5);
        g_assert_cmpstr(back.client_type, ==, "T");
        g_assert_cmpstr(back.client_properties, ==, "{}");
        g_assert_cmpstr(back.runtime, ==, "echo");
        g_assert_cmpstr(back.restart, ==, "always");
        g_assert_cmpuint(back.timeout_usec, ==, 1500000);
        g_assert_cmpstr(back.environment[0], ==, "A=1");
        g_assert_nonnull(back.unit_properties);
        g_assert_true(back.takeover);
        g_assert_true(back.reschedule);
}

static void assert_peer_refused(PeerCreate create, const char *text)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        CreateOptions o;

        g_assert_cmpint(create_options_from_peer(&create, &o, &fault), <, 0);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        g_assert_cmpstr(fault_text(&fault), ==, text);
        peer_create_done(&create);
}

static void test_what_a_peer_asks_is_looked_at_as_well(void)
{
        assert_peer_refused((PeerCreate){ .restart = g_strdup("never") },
                "Option 'restart' must be 'no', 'on-failure' or 'always', not 'never'");
        assert_peer_refused((PeerCreate){ .request_id = g_strdup("") },
                "Option 'request_id' must have 1 to 255 bytes, not 0");
        assert_peer_refused((PeerCreate){ .runtime = g_strnfill(256, 'x') },
                "Option 'runtime' must have 1 to 255 bytes, not 256");
        assert_peer_refused((PeerCreate){ .unit_properties = g_variant_ref_sink(
                                                  g_variant_new_parsed("[('A', <{'a': 1}>)]")) },
                "unit_properties: A is of type 'a{si}', which no property of a unit has");
        assert_peer_refused((PeerCreate){ .unit_properties = g_variant_ref_sink(
                                                  g_variant_new_parsed("[('A', <1>), ('B', <()>)]")) },
                "unit_properties: B is of type '()', which no property of a unit has");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/options/all-are-read", test_all_options_are_read);
        g_test_add_func("/options/none-are-the-defaults", test_no_options_are_the_defaults);
        g_test_add_func("/options/unknown-one-is-named-with-those-there-are",
                test_unknown_option_is_named_with_those_there_are);
        g_test_add_func("/options/wrong-variant-type-is-named-with-the-right-one",
                test_wrong_variant_type_is_named_with_the_right_one);
        g_test_add_func("/options/values-out-of-bounds-are-refused", test_values_out_of_bounds_are_refused);
        g_test_add_func(
                "/options/unit-properties-are-kept-as-they-are", test_unit_properties_are_kept_as_they_are);
        g_test_add_func("/options/unit-properties-of-impossible-types-are-refused",
                test_unit_properties_of_impossible_types_are_refused);
        g_test_add_func(
                "/options/too-many-unit-properties-are-refused", test_too_many_unit_properties_are_refused);
        g_test_add_func("/options/one-given-twice-is-refused", test_option_given_twice_is_refused);
        g_test_add_func(
                "/options/come-from-a-peer-and-go-to-one", test_options_come_from_a_peer_and_go_to_one);
        g_test_add_func("/options/what-a-peer-asks-is-looked-at-as-well",
                test_what_a_peer_asks_is_looked_at_as_well);
        return g_test_run();
}
