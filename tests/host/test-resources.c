/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resource control and the cause of death: what a caller may set of its agent's scope, what this host does
 * of it, how agents end and what they have used. What needs cgroup controllers is not here. */

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"
#include "strv.h"

#define LIMITED "test-limited"
/* Settings that not every systemd knows. */
#define NEWEST "NFTSet=cgroup:inet:a:b\nMemoryZSwapMax=1G\nCoredumpReceive=no\nMemoryPressureWatch=auto"

#define GIB (UINT64_C(1) << 30)

/* What systemd knows of an agent's scope. */
static void expect_scope(const char *id, const char *name, const char *expected)
{
        _cleanup_free_ char *unit = agent_unit(id);
        g_autofree char *got = scope_property(unit, "Scope", name);

        expect_text(name, expected, got);
}

static sd_bus_message *begin_create(Client *c, const char *id, const char *runtime)
{
        g_autofree char *spec = agent_spec_text(id);
        sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(
                     client_bus(c), &m, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "CreateAgent"),
                "CreateAgent");
        must(sd_bus_message_append(m, "sss", spec, "{\"id\":\"g\"}", ""), "CreateAgent");
        must(sd_bus_message_open_container(m, 'a', "{sv}"), "options");
        must(sd_bus_message_append(m, "{sv}", "runtime", "s", runtime), "options");
        must(sd_bus_message_open_container(m, 'e', "sv"), "options");
        must(sd_bus_message_append(m, "s", "unit_properties"), "options");
        must(sd_bus_message_open_container(m, 'v', "a(sv)"), "options");
        must(sd_bus_message_open_container(m, 'a', "(sv)"), "options");
        return m;
}

/* Takes the message. */
static Call *end_create(Client *c, sd_bus_message *message)
{
        _cleanup_message_ sd_bus_message *m = message;

        for (int i = 0; i < 4; i++)
                must(sd_bus_message_close_container(m), "options");
        return client_send_message(c, m);
}

/* CreateAgent with one unit property: its name, its type, its value. */
static Call *create_with(
        Client *c, const char *id, const char *runtime, const char *name, const char *type, ...)
{
        sd_bus_message *m = begin_create(c, id, runtime);
        va_list ap;

        must(sd_bus_message_open_container(m, 'r', "sv"), "unit property");
        must(sd_bus_message_append(m, "s", name), "unit property");
        must(sd_bus_message_open_container(m, 'v', type), "unit property");
        va_start(ap, type);
        must(sd_bus_message_appendv(m, type, ap), "unit property");
        va_end(ap);
        must(sd_bus_message_close_container(m), "unit property");
        must(sd_bus_message_close_container(m), "unit property");
        return end_create(c, m);
}

static void test_what_a_caller_sets_stands_in_the_scope(void)
{
        _cleanup_client_ Client *c = agents_begin();
        sd_bus_message *m = begin_create(c, "a1", EXEC);
        g_autofree char *weights = NULL;

        must(sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)", "MemoryMax", "t", GIB, "CPUWeight", "t",
                     UINT64_C(50), "CPUQuotaPerSecUSec", "t", UINT64_C(500000), "TasksMax", "t", UINT64_C(7),
                     "IODeviceWeight", "a(st)", 1, "/dev/null", UINT64_C(9)),
                "unit properties");
        sd_bus_message_unref(call_success(end_create(c, m)));
        expect_scope("a1", "MemoryMax", "1073741824");
        expect_scope("a1", "CPUWeight", "50");
        expect_scope("a1", "CPUQuotaPerSecUSec", "500000");
        expect_scope("a1", "TasksMax", "7");
        expect_scope("a1", "OOMPolicy", "kill");
        weights = command("systemctl show --value --property=IODeviceWeight agent-a1.scope");
        expect_text("IODeviceWeight", "/dev/null 9\n", weights);
}

static void test_share_of_memory_is_taken(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *max = NULL;

        sd_bus_message_unref(
                call_success(create_with(c, "a1", EXEC, "MemoryMaxScale", "u", (uint32_t)(UINT32_MAX / 2))));
        max = scope_property("agent-a1.scope", "Scope", "MemoryMax");
        expect_true("MemoryMax is a limit", g_ascii_strtoull(max, NULL, 10) < UINT64_MAX);
}

static void test_what_a_caller_may_not_set_is_refused_and_named(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) states = NULL;

        runtime_add(LIMITED, "exec", "wait", "MemoryMax=512M");
        host_reload();

        call_expect_error(create_with(c, "a1", EXEC, "Slice", "s", "system.slice"), INVALID_ARGS,
                "unit_properties: 'Slice' is no property that a caller may set; there are: CPUWeight,");
        call_expect_error(create_with(c, "a1", EXEC, "PIDs", "au", 1, 1u), INVALID_ARGS, "'PIDs'");
        call_expect_error(create_with(c, "a1", EXEC, "KillMode", "s", "none"), INVALID_ARGS, "'KillMode'");
        call_expect_error(create_with(c, "a1", EXEC, "Delegate", "b", 1), SD_BUS_ERROR_ACCESS_DENIED,
                "unit_properties: Delegate cannot be set by a caller; a runtime can set it (Delegate= in "
                "/etc/agenthost/runtimes.d/" EXEC ".runtime)");
        call_expect_error(create_with(c, "a1", EXEC, "DeviceAllow", "a(ss)", 1, "/dev/sda", "rw"),
                SD_BUS_ERROR_ACCESS_DENIED, "DeviceAllow");
        call_expect_error(create_with(c, "a1", EXEC, "OOMPolicy", "s", "continue"),
                SD_BUS_ERROR_ACCESS_DENIED, "OOMPolicy");
        call_expect_error(create_with(c, "a1", LIMITED, "MemoryMax", "t", GIB), SD_BUS_ERROR_ACCESS_DENIED,
                "unit_properties: MemoryMax cannot be changed: runtime " LIMITED " sets it");
        call_expect_error(create_with(c, "a1", LIMITED, "MemoryMaxScale", "u", 1u),
                SD_BUS_ERROR_ACCESS_DENIED, "MemoryMaxScale cannot be changed");
        call_expect_error(create_with(c, "a1", EXEC, "MemoryMax", "s", "1G"), INVALID_ARGS,
                "unit_properties: MemoryMax must be of type 't', not 's'");
        call_expect_error(create_with(c, "a1", EXEC, "MemoryMax", "t", UINT64_C(0)), INVALID_ARGS,
                "unit_properties: MemoryMax: expected bytes, above 0");
        call_expect_error(create_with(c, "a1", EXEC, "CPUWeight", "t", UINT64_C(10001)), INVALID_ARGS,
                "unit_properties: CPUWeight: expected a weight from 1 to 10000");
        call_expect_error(create_with(c, "a1", EXEC, "TasksMax", "t", UINT64_MAX), INVALID_ARGS,
                "unit_properties: TasksMax: expected a number above 0 and not above DefaultTasksMax=");
        call_expect_error(create_with(c, "a1", EXEC, "X", "a{ss}", 0), INVALID_ARGS,
                "unit_properties: X is of type 'a{ss}'");

        expect_false("a1", agent_is_known(c, "a1"));
        states = state_list();
        expect_text("state files", NULL, states[0]);
}

static void test_unit_properties_outlive_agenthostd(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *text = NULL;

        sd_bus_message_unref(call_success(create_with(c, "a1", EXEC, "MemoryMax", "t", GIB)));
        agenthostd_crash();
        agent_expect(c, "a1", "State", "running");
        /* Written anew by the one that has read it. */
        agent_signal(c, "a1", SIGKILL);
        agent_wait(c, "a1", "State", "failed");
        text = command("cat /run/agenthost/agents/agent-a1.scope.json");
        expect_part("state file", "\"unit_properties\":\"[('MemoryMax', <uint64 1073741824>)]\"", text);
}

/* The properties of a scope, as systemd says them itself. */
static char *introspect_scope(void)
{
        return command("busctl introspect --xml-interface org.freedesktop.systemd1 "
                       "/org/freedesktop/systemd1/unit/init_2escope");
}

static bool is_among(char *const *names, const char *name)
{
        return g_strv_contains((const char *const *)names, name);
}

static char **read_unsupported(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, HOST_PATH,
                "org.freedesktop.DBus.Properties", "Get", "ss", MANAGER_INTERFACE, "UnsupportedProperties");
        _cleanup_strv_free_ char **names = NULL;

        must(sd_bus_message_enter_container(answer, 'v', "as"), "UnsupportedProperties");
        must(sd_bus_message_read_strv(answer, &names), "UnsupportedProperties");
        return names ? g_strdupv(names) : g_new0(char *, 1);
}

/* Whichever these are here. */
static void test_unsupported_is_what_this_host_does_not_do(void)
{
        static const struct {
                const char *name, *controller;
        } cases[] = {
                { "MemoryMax", "memory" },
                { "MemoryZSwapMax", "memory" },
                { "MemoryPressureWatch", NULL },
                { "TasksMax", "pids" },
                { "CPUWeight", "cpu" },
                { "AllowedCPUs", "cpuset" },
                { "IOWeight", "io" },
                { "CPUAccounting", NULL },
                { "NFTSet", NULL },
                { "CoredumpReceive", NULL },
                { "IPAddressDeny", NULL },
        };
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *xml = introspect_scope(),
                        *controllers = command("cat /sys/fs/cgroup/cgroup.controllers");
        g_auto(GStrv) words = g_strsplit(g_strstrip(controllers), " ", -1), names = read_unsupported(c);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *part = g_strdup_printf("<property name=\"%s\"", cases[i].name);
                bool has_effect =
                        strstr(xml, part) && (!cases[i].controller || is_among(words, cases[i].controller));

                if (is_among(names, cases[i].name) == has_effect)
                        fail("%s is%s among UnsupportedProperties", cases[i].name, has_effect ? "" : " not");
        }
}

/* So introspection tells what systemd takes, and each is written as it wants it. */
static void test_every_setting_starts_an_agent(void)
{
        static const char *const settings[] = { "CPUAccounting=yes", "CPUWeight=idle", "StartupCPUWeight=5",
                "CPUQuota=50%", "CPUQuotaPeriodSec=50ms", "AllowedCPUs=0", "StartupAllowedCPUs=0",
                "AllowedMemoryNodes=0", "StartupAllowedMemoryNodes=0", "MemoryAccounting=yes",
                "MemoryMin=1M", "MemoryLow=1%", "StartupMemoryLow=1M", "DefaultMemoryMin=1M",
                "DefaultMemoryLow=1M", "DefaultStartupMemoryLow=1M", "MemoryHigh=50%",
                "StartupMemoryHigh=1G", "MemoryMax=1G", "StartupMemoryMax=1G", "MemorySwapMax=1G",
                "StartupMemorySwapMax=1G", "MemoryZSwapMax=1G", "StartupMemoryZSwapMax=1G",
                "MemoryZSwapWriteback=yes", "MemoryPressureWatch=auto", "MemoryPressureThresholdSec=1s",
                "TasksAccounting=yes", "TasksMax=10%", "IOAccounting=yes", "IOWeight=5", "StartupIOWeight=5",
                "IODeviceWeight=/dev/null 5", "IOReadBandwidthMax=/dev/null 1M",
                "IOWriteBandwidthMax=/dev/null 1M", "IOReadIOPSMax=/dev/null 5",
                "IOWriteIOPSMax=/dev/null 5", "IODeviceLatencyTargetSec=/dev/null 5ms", "IPAccounting=yes",
                "IPAddressAllow=any", "IPAddressDeny=10.0.0.0/8", "SocketBindAllow=80", "SocketBindDeny=any",
                "RestrictNetworkInterfaces=~lo", "NFTSet=cgroup:inet:a:b", "DeviceAllow=/dev/null rw",
                "DevicePolicy=auto", "Delegate=cpu memory", "DelegateSubgroup=x", "DisableControllers=io",
                "ManagedOOMSwap=auto", "ManagedOOMMemoryPressure=auto", "ManagedOOMMemoryPressureLimit=50%",
                "ManagedOOMMemoryPressureDurationSec=10s", "ManagedOOMPreference=none", "OOMPolicy=continue",
                "CoredumpReceive=yes" };
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) before = read_unsupported(c), after = NULL;
        g_autofree char *expected = g_strjoinv(" ", before), *got = NULL;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                g_autofree char *name = g_strdup_printf(LIMITED "-%zu", i);

                runtime_add(name, "exec", "wait", settings[i]);
        }
        host_reload();
        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                g_autofree char *id = g_strdup_printf("a%zu", i), *name = g_strdup_printf(LIMITED "-%zu", i);

                g_test_message("%s", settings[i]);
                create(c, &(Create){ .id = id, .runtime = name });
        }
        after = read_unsupported(c);
        got = g_strjoinv(" ", after);
        expect_text("UnsupportedProperties afterwards", expected, got);
}

/* A property that the other systemd knows, or else none does. */
static const char *find_unknown(void)
{
        static const char *const candidates[] = { "NFTSet", "MemoryZSwapMax", "CoredumpReceive",
                "MemoryPressureWatch" };
        g_autofree char *xml = introspect_scope();

        for (size_t i = 0; i < ELEMENTSOF(candidates); i++) {
                g_autofree char *part = g_strdup_printf("<property name=\"%s\"", candidates[i]);

                if (!strstr(xml, part))
                        return candidates[i];
        }
        return NULL;
}

static void test_property_that_systemd_does_not_know_is_left_out(void)
{
        _cleanup_client_ Client *c = agents_begin();
        const char *unknown = find_unknown();

        if (!unknown) {
                g_test_skip("this systemd knows all of them");
                return;
        }
        runtime_add(LIMITED, "exec", "wait", "MemoryMax=1G\n" NEWEST);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = LIMITED });
        expect_scope("a1", "MemoryMax", "1073741824");
        if (strcmp(unknown, "NFTSet") == 0)
                expect_true("journal",
                        journal_has("agenthost-launcher.service",
                                "NFTSet= is left out: this host's systemd does not know it"));
}

static void test_required_property_that_is_unknown_fails_the_start(void)
{
        _cleanup_client_ Client *c = agents_begin();
        const char *unknown = find_unknown();
        g_autofree char *settings = NULL, *part = NULL;

        if (!unknown) {
                g_test_skip("this systemd knows all of them");
                return;
        }
        settings = g_strdup_printf(NEWEST "\nRequire=%s", unknown);
        part = g_strdup_printf(
                "Runtime " LIMITED " requires %s=, which this host's systemd does not know", unknown);
        runtime_add(LIMITED, "exec", "wait", settings);
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = LIMITED }, ERROR_("StartFailed"), part);
        expect_false("a1", agent_is_known(c, "a1"));
}

static void test_required_property_without_controller_fails_the_start(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) names = read_unsupported(c);

        runtime_add(LIMITED, "exec", "wait", "MemoryMax=1G\nRequire=MemoryMax");
        host_reload();
        if (is_among(names, "MemoryMax"))
                create_expect_error(c, &(Create){ .id = "a1", .runtime = LIMITED }, ERROR_("StartFailed"),
                        "Runtime " LIMITED " requires MemoryMax=, which has no effect on this host");
        else
                create(c, &(Create){ .id = "a1", .runtime = LIMITED });
}

/* It may be another one afterwards. */
static void test_systemd_is_asked_again_after_it_was_executed_anew(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) before = read_unsupported(c), after = NULL;
        g_autofree char *joined_before = g_strjoinv(" ", before), *joined_after = NULL;

        g_free(command("systemctl daemon-reexec"));
        create(c, &(Create){ .id = "a1" });
        after = read_unsupported(c);
        joined_after = g_strjoinv(" ", after);
        expect_text("UnsupportedProperties", joined_before, joined_after);
}

static uint64_t usage(Client *c, const char *id, const char *name)
{
        g_autofree char *text = agent_property(c, id, name);

        return g_ascii_strtoull(text, NULL, 10);
}

static void test_processor_time_is_told_while_it_lives_and_afterwards(void)
{
        _cleanup_client_ Client *c = agents_begin();
        uint64_t begun, lived, ended, kept;

        runtime_add("test-busy", "notify", "ready wait busy=50 status=done wait", NULL);
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-busy", .wait = "ready" });
        begun = usage(c, "a1", "CPUUsageNSec");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait(c, "a1", "StatusText", "done");
        lived = usage(c, "a1", "CPUUsageNSec");
        expect_true("it has used 50 ms more", lived >= begun + 50 * 1000 * 1000);
        expect_true("that is no wild number", lived < UINT64_C(3600) * 1000 * 1000 * 1000);

        agent_signal(c, "a1", SIGKILL);
        agent_wait(c, "a1", "State", "failed");
        ended = usage(c, "a1", "CPUUsageNSec");
        expect_true("it has used as much at its end", ended >= lived && ended != UINT64_MAX);
        agenthostd_crash();
        kept = usage(c, "a1", "CPUUsageNSec");
        expect_number("CPUUsageNSec after agenthostd's restart", (int64_t)ended, (int64_t)kept);
}

/* Even if its scope is gone before anybody has looked. */
static void test_processor_time_of_the_shortest_life_is_told(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-short", "exec", "exit=0", NULL);
        host_reload();
        for (unsigned i = 0; i < 50; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                create(c, &(Create){ .id = id, .runtime = "test-short" });
                agent_wait(c, id, "State", "exited");
                expect_true("it is known", usage(c, id, "CPUUsageNSec") != UINT64_MAX);
                expect_true("it is not 0", usage(c, id, "CPUUsageNSec") > 0);
        }
}

static void test_peak_of_memory_is_told_where_it_is_counted(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_auto(GStrv) names = read_unsupported(c);
        bool counted;

        create(c, &(Create){ .id = "a1" });
        counted = !is_among(names, "MemoryMax") &&
                g_file_test("/sys/fs/cgroup/agents.slice/agents-g.slice/agent-a1.scope/memory.peak",
                        G_FILE_TEST_EXISTS);
        expect_true("MemoryPeak while it lives", counted == (usage(c, "a1", "MemoryPeak") != UINT64_MAX));
        agent_signal(c, "a1", SIGKILL);
        agent_wait(c, "a1", "State", "failed");
        expect_true("MemoryPeak afterwards", counted == (usage(c, "a1", "MemoryPeak") != UINT64_MAX));
        agent_expect(c, "a1", "OOMLevel", "");
}

/* Where the kernel writes one into a file, it is one. */
static void test_core_dump_is_told(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *pattern = command("cat /proc/sys/kernel/core_pattern");

        if (pattern[0] == '|') {
                g_test_skip("core dumps go to a program of the machine's");
                return;
        }
        /* Not the tests' agent: under a sanitizer it would forbid itself to. */
        runtime_write("test-core",
                "[Runtime]\nExec=/bin/sh -c \"kill -ABRT $$\"\nUser=" AGENT_USER
                "\nLimitCORE=infinity\nWorkingDirectory=/tmp\n");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-core" });
        agent_wait_end(c, "a1", "core-dump", SIGABRT);
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "ExitStatus", "6");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/resources/" name, test_##function)
        ADD("what-a-caller-sets-stands-in-the-scope", what_a_caller_sets_stands_in_the_scope);
        ADD("share-of-memory-is-taken", share_of_memory_is_taken);
        ADD("what-a-caller-may-not-set-is-refused-and-named",
                what_a_caller_may_not_set_is_refused_and_named);
        ADD("unit-properties-outlive-agenthostd", unit_properties_outlive_agenthostd);
        ADD("unsupported-is-what-this-host-does-not-do", unsupported_is_what_this_host_does_not_do);
        ADD("every-setting-starts-an-agent", every_setting_starts_an_agent);
        ADD("property-that-systemd-does-not-know-is-left-out",
                property_that_systemd_does_not_know_is_left_out);
        ADD("required-property-that-is-unknown-fails-the-start",
                required_property_that_is_unknown_fails_the_start);
        ADD("required-property-without-controller-fails-the-start",
                required_property_without_controller_fails_the_start);
        ADD("systemd-is-asked-again-after-it-was-executed-anew",
                systemd_is_asked_again_after_it_was_executed_anew);
        ADD("processor-time-is-told-while-it-lives-and-afterwards",
                processor_time_is_told_while_it_lives_and_afterwards);
        ADD("processor-time-of-the-shortest-life-is-told", processor_time_of_the_shortest_life_is_told);
        ADD("peak-of-memory-is-told-where-it-is-counted", peak_of_memory_is_told_where_it_is_counted);
        ADD("core-dump-is-told", core_dump_is_told);
#undef ADD

        return host_tests_run();
}
