/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include "test-dir.h"
#include "test-message.h"

#define XML_BEGIN "<node>\n <interface name=\"org.freedesktop.systemd1.Scope\">\n"
#define XML_PROPERTY(name) "  <property name=\"" name "\" type=\"t\" access=\"read\">\n  </property>\n"
#define XML_END " </interface>\n</node>\n"

static unsigned n_changes;

static void on_changed(void *userdata)
{
        (void)userdata;

        n_changes++;
}

static Probe *new_probe(const char *cgroup_dir)
{
        Probe *p;

        n_changes = 0;
        g_assert_cmpint(probe_new(cgroup_dir, cgroup_dir != NULL, on_changed, NULL, &p), ==, 0);
        return p;
}

static bool takes(Probe *p, const char *setting)
{
        return probe_takes(p, unit_property_find(setting));
}

/* Names of what is not supported, as one text. */
static char *unsupported(const Probe *p)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = test_message_new();
        g_auto(GStrv) names = NULL;

        g_assert_cmpint(probe_append_unsupported(p, m), >=, 0);
        test_message_seal(m);
        g_assert_cmpint(sd_bus_message_read_strv(m, &names), >=, 0);
        return names ? g_strjoinv(" ", names) : g_strdup("");
}

static bool is_unsupported(const Probe *p, const char *name)
{
        g_autofree char *text = unsupported(p), *padded = g_strdup_printf(" %s ", text);
        g_autofree char *wanted = g_strdup_printf(" %s ", name);

        return strstr(padded, wanted);
}

static void test_everything_is_there_until_systemd_was_asked(void)
{
        Probe *p = new_probe(NULL);
        g_autofree char *text = unsupported(p);

        g_assert_cmpstr(text, ==, "");
        g_assert_true(takes(p, "MemoryZSwapMax"));
        g_assert_cmpuint(probe_default_tasks_max(p), ==, 0);
        probe_free(p);
}

static void test_what_a_scope_has_is_taken(void)
{
        Probe *p = new_probe(NULL);

        g_assert_cmpint(
                probe_read_introspection(
                        p, XML_BEGIN XML_PROPERTY("MemoryMax") XML_PROPERTY("CPUQuotaPerSecUSec") XML_END),
                ==, 0);
        g_assert_cmpuint(n_changes, ==, 1);
        g_assert_true(takes(p, "MemoryMax"));
        g_assert_true(takes(p, "CPUQuota"));
        g_assert_false(takes(p, "MemoryHigh"));
        g_assert_false(is_unsupported(p, "MemoryMax"));
        g_assert_true(is_unsupported(p, "MemoryHigh"));
        g_assert_true(is_unsupported(p, "CPUQuotaPeriodUSec"));

        /* The next one knows more, and less. */
        g_assert_cmpint(probe_read_introspection(p, XML_BEGIN XML_PROPERTY("MemoryHigh") XML_END), ==, 0);
        g_assert_cmpuint(n_changes, ==, 2);
        g_assert_true(takes(p, "MemoryHigh"));
        g_assert_false(takes(p, "MemoryMax"));
        g_assert_cmpint(probe_read_introspection(p, XML_BEGIN XML_PROPERTY("MemoryHigh") XML_END), ==, 0);
        g_assert_cmpuint(n_changes, ==, 2);
        probe_free(p);
}

static void test_what_is_no_scope_changes_nothing(void)
{
        static const char *const texts[] = { "", "<node/>", XML_BEGIN XML_END,
                XML_BEGIN XML_PROPERTY("SomethingElse") XML_END, "<property name=\"",
                "<property name=\"MemoryMax" };
        Probe *p = new_probe(NULL);

        for (size_t i = 0; i + 1 < G_N_ELEMENTS(texts); i++)
                g_assert_cmpint(probe_read_introspection(p, texts[i]), ==, -EBADMSG);
        g_assert_true(takes(p, "MemoryMax"));
        g_assert_cmpuint(n_changes, ==, 0);
        probe_free(p);
}

static void test_what_has_no_controller_is_sent_and_told(void)
{
        g_auto(TestDir) dir = test_dir_new();
        Probe *p = new_probe(dir.path);

        test_dir_put(&dir, "cgroup.controllers", "cpu io\n");
        g_assert_true(probe_has_controller(p, "cpu"));
        g_assert_false(probe_has_controller(p, "memory"));
        g_assert_cmpint(probe_read_introspection(p,
                                XML_BEGIN XML_PROPERTY("MemoryMax") XML_PROPERTY("CPUWeight")
                                        XML_PROPERTY("CPUAccounting") XML_END),
                ==, 0);
        g_assert_true(takes(p, "MemoryMax"));
        g_assert_true(is_unsupported(p, "MemoryMax"));
        g_assert_false(is_unsupported(p, "CPUWeight"));
        g_assert_false(is_unsupported(p, "CPUAccounting"));
        probe_free(p);
}

static bool learn(Probe *p, const char *name, const char *message)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        sd_bus_error_set(&error, name, message);
        return probe_learn(p, &error);
}

static void test_what_systemd_refuses_by_name_is_left_out(void)
{
        Probe *p = new_probe(NULL);

        g_assert_true(learn(p, SD_BUS_ERROR_PROPERTY_READ_ONLY,
                "Cannot set property MemoryZSwapMax, or unknown property."));
        g_assert_cmpuint(n_changes, ==, 1);
        g_assert_false(takes(p, "MemoryZSwapMax"));
        g_assert_true(is_unsupported(p, "MemoryZSwapMax"));
        g_assert_true(learn(p, SD_BUS_ERROR_PROPERTY_READ_ONLY,
                "Cannot set property MemoryHighScale, or unknown property."));
        g_assert_false(takes(p, "MemoryHigh"));
        /* Another launch that was under way. */
        g_assert_true(learn(p, SD_BUS_ERROR_PROPERTY_READ_ONLY,
                "Cannot set property MemoryZSwapMax, or unknown property."));
        probe_free(p);
}

static void test_other_refusals_teach_nothing(void)
{
        static const struct {
                const char *name, *message;
        } cases[] = {
                { SD_BUS_ERROR_INVALID_ARGS, "Cannot set property MemoryMax, or unknown property." },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "Cannot set property PIDs, or unknown property." },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "Cannot set property MemoryMaxx, or unknown property." },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "Cannot set property MemoryMax" },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "Cannot set property , or unknown property." },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "Cannot set property " },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, "MemoryMax" },
        };
        Probe *p = new_probe(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_false(learn(p, cases[i].name, cases[i].message));
        g_assert_cmpuint(n_changes, ==, 0);
        probe_free(p);
}

static void assert_required(const Probe *p, const char *setting, const char *expected)
{
        char *require[] = { (char *)"CPUWeight", (char *)setting, NULL };
        const Runtime runtime = { .name = (char *)"r", .path = (char *)"/r.runtime", .require = require };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(probe_check_required(p, &runtime, &fault), ==, fault_errno(fault.kind));
        g_assert_cmpint(fault.kind, ==, expected ? FAULT_START_FAILED : FAULT_NONE);
        if (expected)
                g_assert_cmpstr(fault_text(&fault), ==, expected);
}

static void test_what_a_runtime_requires_has_to_have_effect(void)
{
        g_auto(TestDir) dir = test_dir_new();
        Probe *p = new_probe(dir.path);

        test_dir_put(&dir, "cgroup.controllers", "cpu\n");
        g_assert_cmpint(probe_read_introspection(
                                p, XML_BEGIN XML_PROPERTY("MemoryMax") XML_PROPERTY("CPUWeight") XML_END),
                ==, 0);
        assert_required(p, "CPUWeight", NULL);
        assert_required(p, "MemoryMax",
                "Runtime r requires MemoryMax=, which has no effect on this host: it has no cgroup controller "
                "'memory' (see Require= in /r.runtime)");
        assert_required(p, "NFTSet",
                "Runtime r requires NFTSet=, which this host's systemd does not know (see Require= in /r.runtime)");
        probe_free(p);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/probe/everything-is-there-until-systemd-was-asked",
                test_everything_is_there_until_systemd_was_asked);
        g_test_add_func("/probe/what-a-scope-has-is-taken", test_what_a_scope_has_is_taken);
        g_test_add_func("/probe/what-is-no-scope-changes-nothing", test_what_is_no_scope_changes_nothing);
        g_test_add_func("/probe/what-has-no-controller-is-sent-and-told",
                test_what_has_no_controller_is_sent_and_told);
        g_test_add_func("/probe/what-systemd-refuses-by-name-is-left-out",
                test_what_systemd_refuses_by_name_is_left_out);
        g_test_add_func("/probe/other-refusals-teach-nothing", test_other_refusals_teach_nothing);
        g_test_add_func("/probe/what-a-runtime-requires-has-to-have-effect",
                test_what_a_runtime_requires_has_to_have_effect);
        return g_test_run();
}
