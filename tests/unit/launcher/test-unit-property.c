/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-property.h"

#include <glib.h>
#include <string.h>

#include "test-message.h"
#include "unit-property-value.h"

/* What is at the message's read position, as text. */
static void print_value(sd_bus_message *m, GString *out)
{
        const char *contents;
        char type;

        while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
                union {
                        uint8_t y;
                        uint16_t q;
                        int32_t i;
                        uint32_t u;
                        uint64_t t;
                        int b;
                        const char *s;
                } v;

                if (out->len > 0 && !strchr("([", out->str[out->len - 1]))
                        g_string_append_c(out, ' ');

                if (strchr("arv", type)) {
                        if (type == 'v')
                                g_string_append_printf(out, "%s: ", contents);
                        g_string_append_c(out, type == 'a' ? '[' : '(');
                        g_assert_cmpint(sd_bus_message_enter_container(m, type, contents), >, 0);
                        print_value(m, out);
                        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
                        g_string_append_c(out, type == 'a' ? ']' : ')');
                        continue;
                }

                g_assert_cmpint(sd_bus_message_read_basic(m, type, &v), >, 0);
                if (type == 's')
                        g_string_append(out, v.s);
                else if (type == 'b')
                        g_string_append(out, v.b ? "true" : "false");
                else if (type == 'y')
                        g_string_append_printf(out, "%u", v.y);
                else if (type == 'q')
                        g_string_append_printf(out, "%u", v.q);
                else if (type == 'i')
                        g_string_append_printf(out, "%d", v.i);
                else if (type == 'u')
                        g_string_append_printf(out, "%u", v.u);
                else if (type == 't')
                        g_string_append_printf(out, "%" G_GUINT64_FORMAT, v.t);
                else
                        g_assert_not_reached();
        }
}

/* The property as "(Name type: (value))". */
static char *sent(const UnitProperty *property)
{
        sd_bus *bus = test_bus_new();
        sd_bus_message *m = NULL;
        g_autoptr(GString) out = g_string_new(NULL);

        g_assert_cmpint(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "c"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sv)"), >=, 0);
        g_assert_cmpint(unit_property_append(m, property), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        g_assert_cmpint(sd_bus_message_seal(m, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "(sv)"), >, 0);
        print_value(m, out);
        sd_bus_message_unref(m);
        sd_bus_close_unref(bus);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

typedef struct Case {
        const char *setting, *value, *sent;
} Case;

static void assert_cases(const Case *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                UnitProperty property = { .setting = (char *)cases[i].setting,
                        .value = (char *)cases[i].value };
                _cleanup_fault_ Fault fault = FAULT_INIT;
                g_autofree char *text = NULL;

                g_assert_true(unit_property_known(property.setting));
                if (unit_property_check(property.setting, property.value, &fault) < 0)
                        g_error("%s", fault_text(&fault));
                text = sent(&property);
                g_assert_cmpstr(text, ==, cases[i].sent);
        }
}

static void test_processor_settings_have_systemds_types(void)
{
        static const Case cases[] = {
                { "CPUAccounting", "yes", "(CPUAccounting b: (true))" },
                { "CPUWeight", "100", "(CPUWeight t: (100))" },
                { "CPUWeight", "idle", "(CPUWeight t: (0))" },
                { "StartupCPUWeight", "10000", "(StartupCPUWeight t: (10000))" },
                { "CPUQuota", "20%", "(CPUQuotaPerSecUSec t: (200000))" },
                { "CPUQuota", "250%", "(CPUQuotaPerSecUSec t: (2500000))" },
                { "CPUQuota", "0.01%", "(CPUQuotaPerSecUSec t: (100))" },
                { "CPUQuotaPeriodSec", "10ms", "(CPUQuotaPeriodUSec t: (10000))" },
                { "AllowedCPUs", "0-2,9", "(AllowedCPUs ay: ([7 2]))" },
                { "StartupAllowedCPUs", "7 8", "(StartupAllowedCPUs ay: ([128 1]))" },
                { "AllowedMemoryNodes", "0", "(AllowedMemoryNodes ay: ([1]))" },
                { "StartupAllowedMemoryNodes", "1", "(StartupAllowedMemoryNodes ay: ([2]))" },
        };

        assert_cases(cases, G_N_ELEMENTS(cases));
}

static void test_memory_and_task_settings_have_systemds_types(void)
{
        static const Case cases[] = {
                { "MemoryAccounting", "0", "(MemoryAccounting b: (false))" },
                { "MemoryMin", "0", "(MemoryMin t: (0))" },
                { "MemoryLow", "1K", "(MemoryLow t: (1024))" },
                { "MemoryHigh", "infinity", "(MemoryHigh t: (18446744073709551615))" },
                { "MemoryMax", "512M", "(MemoryMax t: (536870912))" },
                { "MemoryMax", "50%", "(MemoryMaxScale u: (2147483648))" },
                { "MemoryMax", "100%", "(MemoryMaxScale u: (4294967295))" },
                { "MemoryMin", "0%", "(MemoryMinScale u: (0))" },
                { "MemorySwapMax", "0", "(MemorySwapMax t: (0))" },
                { "MemoryZSwapMax", "1G", "(MemoryZSwapMax t: (1073741824))" },
                { "MemoryZSwapWriteback", "no", "(MemoryZSwapWriteback b: (false))" },
                { "StartupMemoryMax", "1M", "(StartupMemoryMax t: (1048576))" },
                { "MemoryHigh", "10%", "(MemoryHighScale u: (429496730))" },
                { "DefaultMemoryLow", "1M", "(DefaultMemoryLow t: (1048576))" },
                { "MemoryPressureWatch", "skip", "(MemoryPressureWatch s: (skip))" },
                { "MemoryPressureThresholdSec", "200ms", "(MemoryPressureThresholdUSec t: (200000))" },
                { "TasksAccounting", "on", "(TasksAccounting b: (true))" },
                { "TasksMax", "10", "(TasksMax t: (10))" },
                { "TasksMax", "infinity", "(TasksMax t: (18446744073709551615))" },
                { "TasksMax", "25%", "(TasksMaxScale u: (1073741824))" },
        };

        assert_cases(cases, G_N_ELEMENTS(cases));
}

static void test_io_and_device_settings_have_systemds_types(void)
{
        static const Case cases[] = {
                { "IOAccounting", "yes", "(IOAccounting b: (true))" },
                { "IOWeight", "1", "(IOWeight t: (1))" },
                { "StartupIOWeight", "500", "(StartupIOWeight t: (500))" },
                { "IODeviceWeight", "/dev/sda 200", "(IODeviceWeight a(st): ([(/dev/sda 200)]))" },
                { "IOReadBandwidthMax", "/dev/sda 5M",
                        "(IOReadBandwidthMax a(st): ([(/dev/sda 5000000)]))" },
                { "IOWriteBandwidthMax", "/var 1K", "(IOWriteBandwidthMax a(st): ([(/var 1000)]))" },
                { "IOReadIOPSMax", "/dev/sda 1K", "(IOReadIOPSMax a(st): ([(/dev/sda 1000)]))" },
                { "IOWriteIOPSMax", "/dev/sda infinity",
                        "(IOWriteIOPSMax a(st): ([(/dev/sda 18446744073709551615)]))" },
                { "IODeviceLatencyTargetSec", "/dev/sda 25ms",
                        "(IODeviceLatencyTargetUSec a(st): ([(/dev/sda 25000)]))" },
                { "DeviceAllow", "/dev/null rw", "(DeviceAllow a(ss): ([(/dev/null rw)]))" },
                { "DeviceAllow", "char-pts", "(DeviceAllow a(ss): ([(char-pts rwm)]))" },
                { "DevicePolicy", "closed", "(DevicePolicy s: (closed))" },
        };

        assert_cases(cases, G_N_ELEMENTS(cases));
}

static void test_network_settings_have_systemds_types(void)
{
        static const Case cases[] = {
                { "IPAccounting", "yes", "(IPAccounting b: (true))" },
                { "IPAddressAllow", "10.1.2.3/8", "(IPAddressAllow a(iayu): ([(2 [10 1 2 3] 8)]))" },
                { "IPAddressAllow", "::1",
                        "(IPAddressAllow a(iayu): ([(10 [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1] 128)]))" },
                { "IPAddressDeny", "any",
                        "(IPAddressDeny a(iayu): ([(2 [0 0 0 0] 0) (10 [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] 0)]))" },
                { "IPAddressAllow", "localhost 1.2.3.4",
                        "(IPAddressAllow a(iayu): ([(2 [127 0 0 0] 8) (10 [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1] 128) "
                        "(2 [1 2 3 4] 32)]))" },
                { "IPAddressAllow", "link-local",
                        "(IPAddressAllow a(iayu): ([(2 [169 254 0 0] 16) (10 [254 128 0 0 0 0 0 0 0 0 0 0 0 0 0 0] "
                        "64)]))" },
                { "IPAddressAllow", "multicast",
                        "(IPAddressAllow a(iayu): ([(2 [224 0 0 0] 4) (10 [255 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] 8)]))" },
                { "SocketBindAllow", "8080", "(SocketBindAllow a(iiqq): ([(0 0 1 8080)]))" },
                { "SocketBindAllow", "ipv6:tcp:8000-8099",
                        "(SocketBindAllow a(iiqq): ([(10 6 100 8000)]))" },
                { "SocketBindAllow", "udp:53", "(SocketBindAllow a(iiqq): ([(0 17 1 53)]))" },
                { "SocketBindDeny", "any", "(SocketBindDeny a(iiqq): ([(0 0 0 0)]))" },
                { "SocketBindDeny", "ipv4:1-65535", "(SocketBindDeny a(iiqq): ([(2 0 65535 1)]))" },
                { "SocketBindDeny", "ipv4", "(SocketBindDeny a(iiqq): ([(2 0 0 0)]))" },
                { "RestrictNetworkInterfaces", "lo eth0",
                        "(RestrictNetworkInterfaces (bas): ((true [lo eth0])))" },
                { "RestrictNetworkInterfaces", "~wlan0",
                        "(RestrictNetworkInterfaces (bas): ((false [wlan0])))" },
                { "NFTSet", "cgroup:inet:filter:agents", "(NFTSet a(iiss): ([(3 1 filter agents)]))" },
                { "NFTSet", "user:ip6:t:s group:netdev:t:s", "(NFTSet a(iiss): ([(4 10 t s) (5 5 t s)]))" },
        };

        assert_cases(cases, G_N_ELEMENTS(cases));
}

static void test_other_settings_have_systemds_types(void)
{
        static const Case cases[] = {
                { "Delegate", "yes", "(Delegate b: (true))" },
                { "Delegate", "cpu memory", "(DelegateControllers as: ([cpu memory]))" },
                { "DelegateSubgroup", "main", "(DelegateSubgroup s: (main))" },
                { "DisableControllers", "io", "(DisableControllers as: ([io]))" },
                { "ManagedOOMSwap", "kill", "(ManagedOOMSwap s: (kill))" },
                { "ManagedOOMMemoryPressure", "auto", "(ManagedOOMMemoryPressure s: (auto))" },
                { "ManagedOOMMemoryPressureLimit", "60%",
                        "(ManagedOOMMemoryPressureLimit u: (2576980377))" },
                { "ManagedOOMMemoryPressureDurationSec", "20s",
                        "(ManagedOOMMemoryPressureDurationUSec t: (20000000))" },
                { "ManagedOOMPreference", "avoid", "(ManagedOOMPreference s: (avoid))" },
                { "OOMPolicy", "kill", "(OOMPolicy s: (kill))" },
                { "CoredumpReceive", "yes", "(CoredumpReceive b: (true))" },
        };

        assert_cases(cases, G_N_ELEMENTS(cases));
}

static void test_bad_values_are_refused_and_named(void)
{
        static const Case cases[] = {
                { "CPUWeight", "0", NULL },
                { "CPUWeight", "10001", NULL },
                { "CPUWeight", "idl", NULL },
                { "CPUWeight", "", NULL },
                { "IOWeight", "idle", NULL },
                { "CPUQuota", "0%", NULL },
                { "CPUQuota", "20", NULL },
                { "CPUQuota", "99999999999%", NULL },
                { "CPUQuotaPeriodSec", "0", NULL },
                { "CPUQuotaPeriodSec", "2s", NULL },
                { "AllowedCPUs", "3-1", NULL },
                { "AllowedCPUs", "x", NULL },
                { "AllowedCPUs", "8192", NULL },
                { "AllowedCPUs", "1-", NULL },
                { "AllowedCPUs", ",", NULL },
                { "AllowedCPUs", "0-4294967295", NULL },
                { "MemoryMax", "0", NULL },
                { "MemoryMax", "12x", NULL },
                { "MemoryMax", "101%", NULL },
                { "MemoryMax", "0%", NULL },
                { "MemoryMax", "-1", NULL },
                { "MemoryMax", "%", NULL },
                { "StartupMemoryMax", "10%", NULL },
                { "TasksMax", "0", NULL },
                { "TasksMax", "1K", NULL },
                { "TasksMax", "100%", NULL },
                { "TasksMax", "0%", NULL },
                { "IODeviceWeight", "/dev/sda", NULL },
                { "IODeviceWeight", "sda 100", NULL },
                { "IODeviceWeight", "/dev/sda 0", NULL },
                { "IODeviceWeight", "/dev/sda 1 2", NULL },
                { "IOReadBandwidthMax", "/dev/sda x", NULL },
                { "IODeviceLatencyTargetSec", "/dev/sda x", NULL },
                { "IPAddressAllow", "10.0.0.0/33", NULL },
                { "IPAddressAllow", "example.org", NULL },
                { "IPAddressAllow", "10.0.0", NULL },
                { "IPAddressAllow", "::1/129", NULL },
                { "IPAddressAllow", "any x", NULL },
                { "SocketBindAllow", "0", NULL },
                { "SocketBindAllow", "65536", NULL },
                { "SocketBindAllow", "9-8", NULL },
                { "SocketBindAllow", "tcp:ipv4:1", NULL },
                { "SocketBindAllow", "tcp::80", NULL },
                { "SocketBindAllow", ":80", NULL },
                { "SocketBindAllow", "80:", NULL },
                { "RestrictNetworkInterfaces", "~", NULL },
                { "RestrictNetworkInterfaces", "lo ~eth0", NULL },
                { "RestrictNetworkInterfaces", "a/b", NULL },
                { "NFTSet", "cgroup:inet:filter", NULL },
                { "NFTSet", "address:inet:t:s", NULL },
                { "NFTSet", "cgroup:x:t:s", NULL },
                { "NFTSet", "cgroup:inet::s", NULL },
                { "DeviceAllow", "/etc/passwd r", NULL },
                { "DeviceAllow", "/dev/sda x", NULL },
                { "DeviceAllow", "/dev/ r", NULL },
                { "DeviceAllow", "/dev/../etc/x r", NULL },
                { "DevicePolicy", "open", NULL },
                { "Delegate", "cpu bogus", NULL },
                { "DelegateSubgroup", "a/b", NULL },
                { "DelegateSubgroup", "..", NULL },
                { "DisableControllers", "bogus", NULL },
                { "ManagedOOMSwap", "yes", NULL },
                { "ManagedOOMMemoryPressureLimit", "60", NULL },
                { "OOMPolicy", "ignore", NULL },
                { "OOMPolicy", "continue stop", NULL },
                { "CPUAccounting", "maybe", NULL },
                { "MemoryPressureThresholdSec", "infinity", NULL },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_true(unit_property_known(cases[i].setting));
                if (unit_property_check(cases[i].setting, cases[i].value, &fault) != -EINVAL)
                        g_error("%s=%s was taken", cases[i].setting, cases[i].value);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                g_assert_true(g_str_has_prefix(fault_text(&fault), cases[i].setting));
        }
}

static void test_what_is_not_in_the_table_cannot_be_set(void)
{
        static const char *const names[] = { "Slice", "BPFProgram", "IPIngressFilterPath",
                "IPEgressFilterPath", "MemoryLimit", "CPUShares", "BlockIOWeight", "PIDs", "User",
                "KillMode", "Description", "After", "MemoryMaxScale", "CPUQuotaPerSecUSec", "memorymax",
                "" };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_false(unit_property_known(names[i]));
                g_assert_cmpint(unit_property_check(names[i], "1", &fault), ==, -EINVAL);
        }
}

static void test_settings_are_found_by_their_names_on_the_bus(void)
{
        static const struct {
                const char *name, *setting;
        } cases[] = {
                { "MemoryMax", "MemoryMax" },
                { "MemoryMaxScale", "MemoryMax" },
                { "CPUQuotaPerSecUSec", "CPUQuota" },
                { "IODeviceLatencyTargetUSec", "IODeviceLatencyTargetSec" },
                { "CPUQuota", NULL },
                { "CPUWeightScale", NULL },
                { "Slice", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const UnitPropertyRow *row = unit_property_find_on_bus(cases[i].name);

                g_assert_cmpstr(row ? row->setting : NULL, ==, cases[i].setting);
        }
}

static char *listed(const UnitProperty *items, size_t n_items)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < n_items; i++)
                g_string_append_printf(out, "%s=%s;", items[i].setting, items[i].value);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void test_assignments_replace_join_or_add(void)
{
        static const Case cases[] = {
                { "MemoryMax", "1G", "MemoryMax=1G;" },
                { "MemoryMax", "2G", "MemoryMax=2G;" },
                { "AllowedCPUs", "0-1", "MemoryMax=2G;AllowedCPUs=0-1;" },
                { "AllowedCPUs", "3", "MemoryMax=2G;AllowedCPUs=0-1 3;" },
                { "DeviceAllow", "/dev/null", "MemoryMax=2G;AllowedCPUs=0-1 3;DeviceAllow=/dev/null;" },
                { "DeviceAllow", "/dev/zero r",
                        "MemoryMax=2G;AllowedCPUs=0-1 3;DeviceAllow=/dev/null;DeviceAllow=/dev/zero r;" },
                { "AllowedCPUs", "", "MemoryMax=2G;DeviceAllow=/dev/null;DeviceAllow=/dev/zero r;" },
                { "DeviceAllow", "", "MemoryMax=2G;" },
                { "MemoryMax", "", "" },
                { "MemoryMax", "", "" },
        };
        UnitProperty *items = NULL;
        size_t n_items = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = NULL;

                g_assert_cmpint(
                        unit_properties_assign(&items, &n_items, cases[i].setting, cases[i].value, NULL), ==,
                        0);
                text = listed(items, n_items);
                g_assert_cmpstr(text, ==, cases[i].sent);
                g_assert_true(unit_properties_contain(items, n_items, cases[i].setting) ==
                        (cases[i].value[0] != '\0'));
        }
        unit_properties_free(items, n_items);
}

static void test_a_refused_assignment_changes_nothing(void)
{
        UnitProperty *items = NULL;
        size_t n_items = 0;
        g_autofree char *text = NULL;

        g_assert_cmpint(unit_properties_assign(&items, &n_items, "MemoryMax", "1G", NULL), ==, 0);
        g_assert_cmpint(unit_properties_assign(&items, &n_items, "MemoryMax", "x", NULL), ==, -EINVAL);
        g_assert_cmpint(unit_properties_assign(&items, &n_items, "Slice", "x.slice", NULL), ==, -EINVAL);
        g_assert_cmpint(unit_properties_assign(&items, &n_items, "Slice", "", NULL), ==, -EINVAL);
        text = listed(items, n_items);
        g_assert_cmpstr(text, ==, "MemoryMax=1G;");
        unit_properties_free(items, n_items);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/unit-property/processor", test_processor_settings_have_systemds_types);
        g_test_add_func("/unit-property/memory", test_memory_and_task_settings_have_systemds_types);
        g_test_add_func("/unit-property/io", test_io_and_device_settings_have_systemds_types);
        g_test_add_func("/unit-property/network", test_network_settings_have_systemds_types);
        g_test_add_func("/unit-property/other", test_other_settings_have_systemds_types);
        g_test_add_func("/unit-property/refused", test_bad_values_are_refused_and_named);
        g_test_add_func("/unit-property/unknown", test_what_is_not_in_the_table_cannot_be_set);
        g_test_add_func("/unit-property/on-the-bus", test_settings_are_found_by_their_names_on_the_bus);
        g_test_add_func("/unit-properties/assign", test_assignments_replace_join_or_add);
        g_test_add_func("/unit-properties/refused", test_a_refused_assignment_changes_nothing);
        return g_test_run();
}
