/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What somebody who has taken agenthostd over sends as unit properties of an agent: what no caller may set,
 * what the runtime has set, what has another type, what is none at all. It is refused with an error that
 * says why, and nothing is started. */

#include <signal.h>

#include "common/taken-over.h"

/* Of a launcher with one runtime more, "limited", whose file sets MemoryMax=. */
static Fixture *take_over_limited(void)
{
        Fixture *f = take_over();

        fixture_runtime(f, "limited", "Exec=/bin/sleep 1000\nMemoryMax=512M");
        return f;
}

/* Neither a process of an agent, nor its scope, nor its files; and it is the launcher that it was. */
static void expect_nothing_happened(Fixture *f, pid_t launcher)
{
        g_autofree char *scopes = shell("systemctl list-units --all --plain --no-legend 'agent-*.scope'"),
                        *files = shell("find /run/agenthost/credentials -mindepth 1"),
                        *processes = shell("pgrep --full '^/bin/sleep 1000$'; test $? -eq 1");

        g_assert_cmpstr(scopes, ==, "");
        g_assert_cmpstr(files, ==, "");
        g_assert_cmpstr(processes, ==, "");
        g_assert_cmpint(main_pid_of("agenthost-launcher.service"), ==, launcher);
        expect_works(f);
}

#define NONE "is no property that a caller may set; there are: CPUWeight,"
#define ONLY_A_RUNTIME "cannot be set by a caller; a runtime can set it"

#define EXPECT_PROPERTY_REFUSED(f, error, part, ...)                                            \
        do {                                                                                    \
                g_autoptr(Spawned) _s = fixture_spawn_with_property(f, "limited", __VA_ARGS__); \
                expect_refused(_s, error, part);                                                \
        } while (false)
#define EXPECT_INVALID(f, part, ...) EXPECT_PROPERTY_REFUSED(f, SD_BUS_ERROR_INVALID_ARGS, part, __VA_ARGS__)
#define EXPECT_DENIED(f, part, ...) EXPECT_PROPERTY_REFUSED(f, SD_BUS_ERROR_ACCESS_DENIED, part, __VA_ARGS__)

/* Where an agent is, how it is killed, what it reaches: none of it is a caller's. */
static void test_only_properties_that_limit(void)
{
        g_autoptr(Fixture) f = take_over_limited();
        pid_t launcher = main_pid_of("agenthost-launcher.service");

        EXPECT_INVALID(f, "'Slice' " NONE, "Slice", "s", "system.slice");
        EXPECT_INVALID(f, "'Slice' " NONE, "Slice", "s", "-.slice");
        EXPECT_INVALID(f, "'PIDs' " NONE, "PIDs", "au", 1, 1u);
        EXPECT_INVALID(f, "'PIDFDs' " NONE, "PIDFDs", "ah", 1, f->texts[0]);
        EXPECT_INVALID(f, "'Controller' " NONE, "Controller", "s", ":1.1");
        EXPECT_INVALID(f, "'KillMode' " NONE, "KillMode", "s", "none");
        EXPECT_INVALID(f, "'KillSignal' " NONE, "KillSignal", "i", SIGCONT);
        EXPECT_INVALID(f, "'SendSIGKILL' " NONE, "SendSIGKILL", "b", 0);
        EXPECT_INVALID(f, "'TimeoutStopUSec' " NONE, "TimeoutStopUSec", "t", UINT64_MAX);
        EXPECT_INVALID(f, "'BPFProgram' " NONE, "BPFProgram", "a(ss)", 1, "egress", "/sys/fs/bpf/x");
        EXPECT_INVALID(f, "'' " NONE, "", "t", UINT64_C(1));
        EXPECT_INVALID(f, "'MemoryMax ' " NONE, "MemoryMax ", "t", UINT64_C(1));
        EXPECT_INVALID(f, "'Description' " NONE, "Description", "s", "x\n[Scope]\nSlice=system.slice");
        EXPECT_DENIED(f, "Delegate " ONLY_A_RUNTIME, "Delegate", "b", 1);
        EXPECT_DENIED(f, "DeviceAllow " ONLY_A_RUNTIME, "DeviceAllow", "a(ss)", 1, "/dev/sda", "rwm");
        EXPECT_DENIED(f, "DevicePolicy " ONLY_A_RUNTIME, "DevicePolicy", "s", "auto");
        EXPECT_DENIED(f, "IPAddressAllow " ONLY_A_RUNTIME, "IPAddressAllow", "a(iayu)", 0);

        expect_nothing_happened(f, launcher);
}

/* By none of the names that a setting has, and not in the company of what may be set. */
static void test_only_properties_that_the_runtime_leaves_open(void)
{
        g_autoptr(Fixture) f = take_over_limited();
        pid_t launcher = main_pid_of("agenthost-launcher.service");
        sd_bus_message *m = fixture_spawn_open(f, "a", "g", "limited", NULL);

        EXPECT_DENIED(
                f, "MemoryMax cannot be changed: runtime limited sets it", "MemoryMax", "t", UINT64_MAX);
        EXPECT_DENIED(f, "MemoryMaxScale cannot be changed: runtime limited sets it", "MemoryMaxScale", "u",
                UINT32_MAX);
        EXPECT_DENIED(f, "OOMPolicy " ONLY_A_RUNTIME, "OOMPolicy", "s", "continue");
        EXPECT_INVALID(f, "TasksMax: expected a number above 0 and not above DefaultTasksMax=", "TasksMax",
                "t", UINT64_MAX);

        g_assert_cmpint(sd_bus_message_append(
                                m, "a(sv)", 2, "CPUWeight", "t", UINT64_C(7), "MemoryMax", "t", UINT64_MAX),
                >=, 0);
        g_autoptr(Spawned) s = fixture_spawn_close(f, m);
        expect_refused(s, SD_BUS_ERROR_ACCESS_DENIED, "MemoryMax cannot be changed");
        expect_nothing_happened(f, launcher);
}

/* An item whose value is a variant in a variant in a variant. */
static sd_bus_message *open_nested(Fixture *f, int depth)
{
        sd_bus_message *m = fixture_spawn_open(f, "a", "g", "sleep", NULL);

        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sv)"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'r', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "MemoryMax"), >=, 0);
        for (int i = 1; i < depth; i++)
                g_assert_cmpint(sd_bus_message_open_container(m, 'v', "v"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "v", "t", UINT64_C(1)), >=, 0);
        for (int i = 1; i < depth + 2; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        return m;
}

static void test_only_values_of_the_right_type(void)
{
        static const int depths[] = { 2, 60, 120 };
        g_autoptr(Fixture) f = take_over_limited();
        pid_t launcher = main_pid_of("agenthost-launcher.service");

        EXPECT_INVALID(f, "CPUWeight must be of type 't', not 's'", "CPUWeight", "s", "100");
        EXPECT_INVALID(f, "CPUWeight must be of type 't', not 'x'", "CPUWeight", "x", INT64_C(100));
        EXPECT_INVALID(f, "CPUWeight must be of type 't', not 'h'", "CPUWeight", "h", f->texts[0]);
        EXPECT_INVALID(f, "CPUWeight must be of type 't', not 'at'", "CPUWeight", "at", 1, UINT64_C(1));
        EXPECT_INVALID(f, "CPUWeight must be of type 't', not '(t)'", "CPUWeight", "(t)", UINT64_C(1));
        EXPECT_INVALID(f, "CPUWeight must be of type 't', not 'a(sv)'", "CPUWeight", "a(sv)", 1, "CPUWeight",
                "t", UINT64_C(1));
        EXPECT_INVALID(f, "must be of type 't', not 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaat'", "CPUWeight",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaat", 0);
        EXPECT_INVALID(f, "must be of type 'a(st)', not 'a{st}'", "IODeviceWeight", "a{st}", 1, "/dev/sda",
                UINT64_C(1));
        EXPECT_INVALID(f, "must be of type 'a(st)', not 'a(sv)'", "IODeviceWeight", "a(sv)", 1, "/dev/sda",
                "t", UINT64_C(1));
        EXPECT_INVALID(f, "IODeviceWeight: expected devices such as", "IODeviceWeight", "a(st)", 1,
                "/dev/disk/by-id/../../../etc/shadow", UINT64_C(1));
        for (size_t i = 0; i < G_N_ELEMENTS(depths); i++) {
                g_autoptr(Spawned) s = fixture_spawn_close(f, open_nested(f, depths[i]));

                expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "MemoryMax must be of type 't', not 'v'");
        }
        expect_nothing_happened(f, launcher);
}

/* What stands where they should be is something else, or does not end. */
static void test_only_properties_that_are_well_formed(void)
{
        static const char *const types[] = { "as", "a{sv}", "a(vs)", "a(svs)", "av", "aa(sv)", "(sv)", "v" };
        g_autoptr(Fixture) f = take_over_limited();
        pid_t launcher = main_pid_of("agenthost-launcher.service");
        sd_bus_message *many = fixture_spawn_open(f, "a", "g", "sleep", NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
                sd_bus_message *m = fixture_spawn_open(f, "a", "g", "sleep", NULL);

                if (types[i][0] == 'a')
                        g_assert_cmpint(sd_bus_message_append(m, types[i], 0), >=, 0);
                else if (types[i][0] == 'v')
                        g_assert_cmpint(sd_bus_message_append(m, "v", "a(sv)", 0), >=, 0);
                else
                        g_assert_cmpint(
                                sd_bus_message_append(m, types[i], "CPUWeight", "t", UINT64_C(1)), >=, 0);
                g_autoptr(Spawned) s = fixture_spawn_close(f, m);
                expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "expecting 'sssisasa(sv)ah'");
        }

        g_assert_cmpint(sd_bus_message_open_container(many, 'a', "(sv)"), >=, 0);
        for (unsigned i = 0; i < 100000; i++)
                g_assert_cmpint(sd_bus_message_append(many, "(sv)", "CPUWeight", "t", UINT64_C(1)), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(many), >=, 0);
        g_autoptr(Spawned) s = fixture_spawn_close(f, many);
        expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "CPUWeight= is given twice");
        expect_nothing_happened(f, launcher);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/taken-over-properties/" name, test_##function)
        ADD("only-properties-that-limit", only_properties_that_limit);
        ADD("only-properties-that-the-runtime-leaves-open", only_properties_that_the_runtime_leaves_open);
        ADD("only-values-of-the-right-type", only_values_of_the_right_type);
        ADD("only-properties-that-are-well-formed", only_properties_that_are_well_formed);
#undef ADD

        return g_test_run();
}
