/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-property.h"

#include <stdarg.h>
#include <string.h>

#include "proto/launcher.h"
#include "test-message.h"

static UnitProperty of_runtime[] = {
        { (char *)"OOMPolicy", (char *)"kill" },
        { (char *)"MemoryHigh", (char *)"1G" },
};
static const Runtime runtime = {
        .name = (char *)"r",
        .path = (char *)"/r.runtime",
        .properties = of_runtime,
        .n_properties = G_N_ELEMENTS(of_runtime),
};

static void on_changed(void *userdata)
{
        (void)userdata;
}

static Probe *new_probe(void)
{
        Probe *p;

        g_assert_cmpint(probe_new(NULL, false, on_changed, NULL, &p), ==, 0);
        return p;
}

/* The rest of a Spawn behind its unit properties matters to nobody here. */
static sd_bus_message *spawn_begin(void)
{
        sd_bus_message *m = test_message_new();

        g_assert_cmpint(sd_bus_message_append(m, "sssisas", "a", "g", "r", 1, "T", 1, "A=1"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sv)"), >=, 0);
        return m;
}

static void spawn_end(sd_bus_message *m)
{
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        test_message_seal(m);
}

static sd_bus_message *spawn_with(const char *name, const char *type, va_list ap)
{
        sd_bus_message *m = spawn_begin();

        g_assert_cmpint(sd_bus_message_open_container(m, 'r', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", name), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', type), >=, 0);
        g_assert_cmpint(sd_bus_message_appendv(m, type, ap), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        spawn_end(m);
        return m;
}

static void expect(FaultKind kind, const char *part, const char *name, const char *type, ...)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Probe *p = new_probe();
        va_list ap;
        int r;

        va_start(ap, type);
        m = spawn_with(name, type, ap);
        va_end(ap);
        r = caller_properties_check(m, &runtime, p, &fault);
        if (fault.kind != kind || (r < 0) != (kind != FAULT_NONE))
                g_error("%s: %d, %s", name, r, fault_text(&fault));
        if (kind != FAULT_NONE && (!strstr(fault_text(&fault), name) || !strstr(fault_text(&fault), part)))
                g_error("%s", fault_text(&fault));
        probe_free(p);
}

#define TAKEN FAULT_NONE, NULL
#define U64(n) UINT64_C(n)

static void test_limits_and_shares_are_taken(void)
{
        expect(TAKEN, "CPUWeight", "t", U64(1));
        expect(TAKEN, "CPUWeight", "t", U64(0));
        expect(TAKEN, "CPUQuotaPerSecUSec", "t", U64(500000));
        expect(TAKEN, "CPUQuotaPerSecUSec", "t", UINT64_MAX);
        expect(TAKEN, "AllowedCPUs", "ay", 2, 0, 1);
        expect(TAKEN, "MemoryMax", "t", U64(1));
        expect(TAKEN, "MemoryMax", "t", UINT64_MAX);
        expect(TAKEN, "MemoryMaxScale", "u", 1u);
        expect(TAKEN, "MemoryLow", "t", U64(0));
        expect(TAKEN, "MemoryLowScale", "u", 0u);
        expect(TAKEN, "MemorySwapMax", "t", U64(0));
        expect(TAKEN, "IOWeight", "t", U64(10000));
        expect(TAKEN, "IODeviceWeight", "a(st)", 1, "/dev/sda", U64(100));
        expect(TAKEN, "IOReadBandwidthMax", "a(st)", 2, "/dev/mapper/x", U64(1), "/dev/disk/by-id/y",
                U64(2));
        expect(TAKEN, "IODeviceLatencyTargetUSec", "a(st)", 1, "/dev/sda", U64(1000));
}

static void test_values_out_of_range_are_refused(void)
{
        expect(FAULT_INVALID_ARGS, "expected a weight", "CPUWeight", "t", U64(10001));
        expect(FAULT_INVALID_ARGS, "expected a weight", "IOWeight", "t", U64(0));
        expect(FAULT_INVALID_ARGS, "above 0", "CPUQuotaPerSecUSec", "t", U64(0));
        expect(FAULT_INVALID_ARGS, "above 0", "CPUQuotaPerSecUSec", "t", UINT64_MAX - 1);
        expect(FAULT_INVALID_ARGS, "at least one bit", "AllowedCPUs", "ay", 0);
        expect(FAULT_INVALID_ARGS, "at least one bit", "AllowedCPUs", "ay", 2, 0, 0);
        expect(FAULT_INVALID_ARGS, "above 0", "MemoryMax", "t", U64(0));
        expect(FAULT_INVALID_ARGS, "above 0", "MemoryMaxScale", "u", 0u);
        expect(FAULT_INVALID_ARGS, "devices such as", "IODeviceWeight", "a(st)", 0);
        expect(FAULT_INVALID_ARGS, "devices such as", "IODeviceWeight", "a(st)", 1, "/dev/sda", U64(0));
        expect(FAULT_INVALID_ARGS, "devices such as", "IOReadIOPSMax", "a(st)", 1, "/dev/sda", U64(0));
}

/* systemd follows it as root. */
static void test_paths_that_could_lead_elsewhere_are_refused(void)
{
        static const char *const paths[] = { "", "sda", "/", "/dev/", "/dev/..", "/dev/../etc", "/dev/shm/x",
                "/dev/fd/3", "/dev/mapper/", "/dev/mapper/../x", "/dev/disk/by-id/a/b", "/tmp/x", "/dev//x",
                "/dev/disk/x" };

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
                expect(FAULT_INVALID_ARGS, "devices such as", "IOWriteBandwidthMax", "a(st)", 1, paths[i],
                        U64(1));
}

static void test_values_of_another_type_are_refused(void)
{
        expect(FAULT_INVALID_ARGS, "must be of type 't', not 's'", "MemoryMax", "s", "1G");
        expect(FAULT_INVALID_ARGS, "must be of type 't', not 'u'", "CPUWeight", "u", 1u);
        expect(FAULT_INVALID_ARGS, "must be of type 'u', not 't'", "MemoryMaxScale", "t", U64(1));
        expect(FAULT_INVALID_ARGS, "must be of type 'a(st)', not '(st)'", "IODeviceWeight", "(st)",
                "/dev/sda", U64(1));
        expect(FAULT_INVALID_ARGS, "must be of type 'ay', not 'as'", "AllowedCPUs", "as", 1, "0");
}

static void test_what_is_no_resource_is_refused(void)
{
        static const char *const names[] = { "Slice", "PIDs", "PIDFDs", "Controller", "KillMode",
                "KillSignal", "SendSIGKILL", "TimeoutStopUSec", "RuntimeMaxUSec", "CollectMode",
                "Description", "After", "AddRef", "BPFProgram", "IPIngressFilterPath", "DelegateControllers",
                "User", "Group", "CPUQuota", "DefaultDependencies", "memorymax", "" };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                expect(FAULT_INVALID_ARGS, "there are: CPUWeight, CPUQuotaPerSecUSec,", names[i], "t",
                        U64(1));
}

static void test_what_is_for_runtimes_only_is_denied(void)
{
        static const char *const names[] = { "Delegate", "DelegateSubgroup", "DeviceAllow", "DevicePolicy",
                "DisableControllers", "OOMPolicy", "ManagedOOMPreference", "ManagedOOMSwap",
                "IPAddressAllow", "IPAddressDeny", "SocketBindAllow", "RestrictNetworkInterfaces", "NFTSet",
                "CoredumpReceive", "CPUAccounting", "MemoryAccounting", "StartupMemoryMax",
                "StartupCPUWeight", "DefaultMemoryLow", "TasksMaxScale", "CPUQuotaPeriodUSec" };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                expect(FAULT_ACCESS_DENIED, "/r.runtime", names[i], "t", U64(1));
}

static void test_what_the_runtime_sets_cannot_be_changed(void)
{
        expect(FAULT_ACCESS_DENIED, "runtime r sets it", "MemoryHigh", "t", U64(1));
        expect(FAULT_ACCESS_DENIED, "runtime r sets it", "MemoryHighScale", "u", 1u);
}

/* Until it is known, nobody can say that it would not be raised. */
static void test_tasks_cannot_be_more_than_systemd_gives(void)
{
        expect(FAULT_INVALID_ARGS, "DefaultTasksMax", "TasksMax", "t", U64(1));
        expect(FAULT_INVALID_ARGS, "DefaultTasksMax", "TasksMax", "t", U64(0));
        expect(FAULT_INVALID_ARGS, "DefaultTasksMax", "TasksMax", "t", UINT64_MAX);
}

static void test_one_setting_is_taken_once(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = spawn_begin();
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Probe *p = new_probe();

        g_assert_cmpint(
                sd_bus_message_append(m, "(sv)(sv)", "MemoryMax", "t", U64(5), "MemoryMaxScale", "u", 5u),
                >=, 0);
        spawn_end(m);
        g_assert_cmpint(caller_properties_check(m, &runtime, p, &fault), ==, -EINVAL);
        g_assert_cmpstr(
                fault_text(&fault), ==, "unit_properties: MemoryMax= is given twice (MemoryMaxScale)");
        probe_free(p);
}

static void test_those_that_systemd_knows_are_sent_as_they_are(void)
{
        static const char xml[] = "<property name=\"CPUWeight\" <property name=\"IODeviceWeight\" ";
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = spawn_begin(), *sent = test_message_new();
        const char *name, *path;
        uint64_t weight;
        Probe *p = new_probe();

        g_assert_cmpint(sd_bus_message_append(m, "(sv)(sv)(sv)", "CPUWeight", "t", U64(7), "MemoryMax", "t",
                                U64(5), "IODeviceWeight", "a(st)", 1, "/dev/sda", U64(9)),
                >=, 0);
        spawn_end(m);
        g_assert_cmpint(caller_properties_check(m, &runtime, p, NULL), ==, 3);
        g_assert_cmpint(probe_read_introspection(p, xml), ==, 0);

        g_assert_cmpint(sd_bus_message_open_container(sent, 'a', "(sv)"), >=, 0);
        g_assert_cmpint(caller_properties_append(sent, m, p), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(sent), >=, 0);
        test_message_seal(sent);
        g_assert_cmpint(sd_bus_message_enter_container(sent, 'a', "(sv)"), >, 0);
        g_assert_cmpint(sd_bus_message_read(sent, "(sv)", &name, "t", &weight), >, 0);
        g_assert_cmpstr(name, ==, "CPUWeight");
        g_assert_cmpuint(weight, ==, 7);
        g_assert_cmpint(sd_bus_message_read(sent, "(sv)", &name, "a(st)", 1, &path, &weight), >, 0);
        g_assert_cmpstr(name, ==, "IODeviceWeight");
        g_assert_cmpstr(path, ==, "/dev/sda");
        g_assert_cmpuint(weight, ==, 9);
        g_assert_cmpint(sd_bus_message_at_end(sent, false), >, 0);
        probe_free(p);
}

static void test_none_are_none(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = spawn_begin();
        Probe *p = new_probe();

        spawn_end(m);
        g_assert_cmpint(caller_properties_check(m, &runtime, p, NULL), ==, 0);
        probe_free(p);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func("/caller-property/" name, test_##function)
        ADD("limits-and-shares-are-taken", limits_and_shares_are_taken);
        ADD("values-out-of-range-are-refused", values_out_of_range_are_refused);
        ADD("paths-that-could-lead-elsewhere-are-refused", paths_that_could_lead_elsewhere_are_refused);
        ADD("values-of-another-type-are-refused", values_of_another_type_are_refused);
        ADD("what-is-no-resource-is-refused", what_is_no_resource_is_refused);
        ADD("what-is-for-runtimes-only-is-denied", what_is_for_runtimes_only_is_denied);
        ADD("what-the-runtime-sets-cannot-be-changed", what_the_runtime_sets_cannot_be_changed);
        ADD("tasks-cannot-be-more-than-systemd-gives", tasks_cannot_be_more_than_systemd_gives);
        ADD("one-setting-is-taken-once", one_setting_is_taken_once);
        ADD("those-that-systemd-knows-are-sent-as-they-are", those_that_systemd_knows_are_sent_as_they_are);
        ADD("none-are-none", none_are_none);
#undef ADD
        return g_test_run();
}
